/**
 * The start page: what the server runs on, and how long the way there and back takes.
 *
 * @module
 */

import { formatDuration } from "./format.js";
import { Gauge } from "./gauge.js";
import { LiveSocket, socketUrl } from "./live_socket.js";
import { $ } from "./part.js";

const gauge = new Gauge();
const socket = new LiveSocket(socketUrl("/hello"), {
  state: (live, words) => gauge.show(live, words),
  open: measure,
  message: onMessage,
});

function measure() {
  socket.send({ type: "sent", at: performance.now() });
}

function onMessage(data) {
  const { type, runtime, at } = JSON.parse(data);
  if (type === "hello") $("runtime").textContent = runtime;
  else $("round-trip").textContent = formatDuration(performance.now() - at);
}

socket.start();
setInterval(measure, 1_000);
