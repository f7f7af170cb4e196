/**
 * The log of a page: rows of messages and events, the newest at the end.
 *
 * @module
 */

import { count, formatBytes, formatDuration, formatTime, hexPreview, textPreview } from "./format.js";
import { part } from "./part.js";

const DIRECTIONS = { sent: "Sent", received: "Received", event: "Event" };

/** Writes rows into a `role="log"` element and keeps only the last of them, so that the page stays light. */
export class Log {
  #rows;
  #limit;
  #onChange;
  #total = 0;

  /**
   * Takes over the element.
   *
   * @param box The scrolling element, with an `<ol>` in it.
   * @param options How many rows to keep, and what to call after each change.
   */
  constructor(box, { limit = 500, onChange = () => {} } = {}) {
    this.#rows = box.querySelector("ol");
    this.#limit = limit;
    this.#onChange = onChange;
  }

  /** Adds a message: a string, or bytes. `roundTrip` is in milliseconds. */
  message(direction, data, { note, roundTrip } = {}) {
    const text = typeof data === "string";
    const size = text ? new Blob([data]).size : data.byteLength;
    const row = makeRow(direction, text ? "text" : "binary", size);
    const facts = part("p", "row-facts");
    facts.append(part("span", "row-size", formatBytes(size)));
    if (note) facts.append(part("span", "row-note", note));
    if (roundTrip !== undefined) {
      row.dataset.roundTrip = roundTrip.toFixed(1);
      facts.append(part("span", "row-trip", `round trip ${formatDuration(roundTrip)}`));
    }
    row.append(facts, preview(text ? textPreview(data) : hexPreview(data), size === 0));
    this.#append(row);
  }

  /** Adds what happened to the connection: `open`, `close` or `error`, in words. */
  event(kind, words, { clean = kind !== "error" } = {}) {
    const row = makeRow("event", kind, 0);
    row.dataset.clean = clean;
    row.append(part("p", "row-words", words));
    this.#append(row);
  }

  /** Forgets every row. */
  clear() {
    this.#rows.replaceChildren();
    this.#total = 0;
    this.#onChange();
  }

  /** Whether there is nothing to clear. */
  get empty() {
    return this.#total === 0;
  }

  /** `3 rows`, or `last 500 of 812 rows` once old ones were dropped. */
  get summary() {
    const kept = this.#rows.childElementCount;
    return kept < this.#total ? `last ${kept} of ${count(this.#total, "row")}` : count(kept, "row");
  }

  // Nothing scrolls here: the style sheet keeps the end in view (see .log in site.css).
  #append(row) {
    this.#rows.append(row);
    this.#total++;
    if (this.#rows.childElementCount > this.#limit) this.#rows.firstElementChild.remove();
    this.#onChange();
  }
}

function makeRow(direction, kind, size) {
  const row = document.createElement("li");
  row.className = "row";
  Object.assign(row.dataset, { direction, kind, size });
  const now = new Date();
  const time = part("time", "row-time", formatTime(now));
  time.dateTime = now.toISOString();
  const head = part("p", "row-head");
  head.append(part("span", "row-direction", DIRECTIONS[direction]), part("span", "row-kind", kind));
  row.append(time, head);
  return row;
}

function preview(content, empty) {
  const element = part("p", "row-preview", empty ? "empty" : content);
  element.classList.toggle("row-empty", empty);
  // The content decides its own direction, and cannot turn the rest of the row around.
  element.dir = "auto";
  return element;
}
