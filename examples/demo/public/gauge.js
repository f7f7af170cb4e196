/**
 * The bar under the header that always shows how the connection is: a gate, a word, and what there is to say.
 *
 * @module
 */

import { part } from "./part.js";

const WORDS = {
  connecting: "Connecting",
  open: "Open",
  closing: "Closing",
  waiting: "Reconnecting",
  closed: "Closed",
};

/** Shows the state of a `LiveSocket` in the page's `.gauge`. */
export class Gauge {
  #state = document.getElementById("state");
  #word = document.getElementById("state-word");
  #detail = document.getElementById("state-detail");
  #retry = part("button", "button small retry", "Try now");
  #countdown = part("span", "countdown");
  #socket;

  constructor() {
    this.#retry.type = "button";
    this.#retry.hidden = true;
    this.#retry.addEventListener("click", () => this.#socket?.retry());
    // A screen reader is told once that the page tries again, not every second.
    this.#countdown.setAttribute("aria-hidden", "true");
    this.#detail.after(" ", this.#countdown);
    this.#state.after(this.#retry);
    setInterval(() => this.#count(), 200);
  }

  /** Shows a state, with words of its own if it has any. */
  show(socket, words, { clean = true } = {}) {
    this.#socket = socket;
    this.#state.dataset.state = socket.state;
    this.#state.dataset.clean = clean;
    this.#word.textContent = WORDS[socket.state];
    this.#detail.textContent = words;
    this.#retry.hidden = socket.state !== "waiting";
    this.#count();
  }

  #count() {
    const waiting = this.#socket?.state === "waiting";
    const left = waiting ? Math.max(0, this.#socket.retryAt - performance.now()) : 0;
    this.#countdown.textContent = waiting
      ? `In ${(left / 1000).toFixed(1)} s, attempt ${this.#socket.attempt}.`
      : "";
  }
}
