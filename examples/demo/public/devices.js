/**
 * The side channel: two devices on one page, each with a socket of its own.
 *
 * @module
 */

import { formatTime } from "./format.js";
import { Gauge } from "./gauge.js";
import { LiveSocket, socketUrl } from "./live_socket.js";
import { part } from "./part.js";

const STATES = {
  connecting: "coming",
  open: "here",
  closing: "leaving",
  waiting: "trying again",
  closed: "away",
};

/** Names that two windows are unlikely to share. */
const COLOURS = ["amber", "blue", "coral", "green", "ivory", "red", "silver", "violet"];
const THINGS = ["bell", "door", "fan", "lamp", "oven", "pump", "radio", "valve"];

/** How many lines to keep. */
const KEPT = 100;

const below = (limit) => Math.floor(Math.random() * limit);
const gauge = new Gauge();

class Device {
  #panel;
  #socket;

  constructor(panel) {
    this.#panel = panel;
    this.#socket = new LiveSocket(() => socketUrl(`/devices?name=${encodeURIComponent(this.name)}`), {
      state: (live) => this.#show(live),
      message: (data) => this.#take(JSON.parse(data)),
      close: (_event, { opened, asked }) => opened || asked || this.#socket.attempt !== 1 || this.#explain(),
    });
    this.#find(".name").value = `${COLOURS[below(8)]}-${THINGS[below(8)]}-${10 + below(90)}`;
    this.#find(".device-name").addEventListener("submit", (event) => this.#toggle(event));
    this.#find(".device-send").addEventListener("submit", (event) => this.#send(event));
  }

  get name() {
    return this.#find(".name").value.trim();
  }

  get socket() {
    return this.#socket;
  }

  /** Comes, and writes to `to` from now on. */
  start(to) {
    this.#find(".to").value = to;
    this.#socket.start();
  }

  #find(selector) {
    return this.#panel.querySelector(selector);
  }

  #toggle(event) {
    event.preventDefault();
    if (this.#socket.state !== "closed") this.#socket.stop();
    else if (this.name !== "") this.#socket.start();
  }

  #send(event) {
    event.preventDefault();
    const message = { to: this.#find(".to").value.trim(), text: this.#find(".text").value.trim() };
    if (message.to === "" || message.text === "" || !this.#socket.send(message)) return;
    this.#find(".text").value = "";
    this.#find(".text").focus();
  }

  #show({ state }) {
    const badge = this.#find(".device-state");
    badge.textContent = STATES[state];
    badge.dataset.state = state;
    this.#find(".send").disabled = state !== "open";
    this.#find(".name").readOnly = state !== "closed";
    this.#find(".come").textContent = state === "closed" ? "Come back" : "Go away";
    showBoth();
  }

  #explain() {
    this.#add(
      "problem",
      "The server lets nobody in under this name now: is there another device that has it?",
    );
  }

  #take(message) {
    const { type, from, to, text, waits, bound, why } = message;
    if (type === "message") this.#add("came", text, `from ${from}`);
    if (type === "delivered") this.#add("went", text, `delivered to ${to}`);
    if (type === "kept") this.#add("kept", text, `waits for ${to}, ${waits} of ${bound}`);
    if (type === "failed") this.#add("problem", text ?? "", `not sent: ${why}`);
  }

  #add(kind, text, note = "") {
    const row = part("li", kind);
    row.append(
      part("p", "note", note),
      part("time", "", formatTime(new Date()).slice(0, 8)),
      part("p", "words", text),
    );
    this.#find(".inbox").prepend(row);
    if (this.#find(".inbox").childElementCount > KEPT) this.#find(".inbox").lastElementChild.remove();
  }
}

const devices = [...document.querySelectorAll(".device")].map((panel) => new Device(panel));

/** The gauge shows the one that is worse off. */
function showBoth() {
  const sockets = devices.map(({ socket }) => socket);
  const here = sockets.filter(({ state }) => state === "open").length;
  const shown = ["waiting", "connecting", "closing", "open", "closed"]
    .map((wanted) => sockets.find(({ state }) => state === wanted))
    .find((socket) => socket !== undefined);
  const words = `${here} of ${sockets.length} devices are here.`;
  gauge.show(
    shown,
    shown.state === "waiting" ? `${words} The server cannot be reached. Trying again by itself.` : words,
  );
}

const [a, b] = devices;
a.start(b.name);
b.start(a.name);
