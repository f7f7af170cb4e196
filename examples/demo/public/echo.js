/**
 * The echo console: one connection, what goes out on it, and what comes back.
 *
 * @module
 */

import { byteLength, closeProblems, count, describeClose, describeCode, MAX_REASON_BYTES } from "./format.js";
import { Frames } from "./frames.js";
import { Gauge } from "./gauge.js";
import { LiveSocket, socketUrl } from "./live_socket.js";
import { Log } from "./log.js";
import { $, onEnter, onSubmit } from "./part.js";

/** How many sent messages to remember for round trips: a server that never echoes must not fill the memory. */
const AWAITED_LIMIT = 500;

const gauge = new Gauge();
const log = new Log($("log"), { limit: 500, onChange: showLogState });
const frames = new Frames($("frames"), { onChange: showFramesState });

/** The echo server without a tap; with one it is at `tapped`, once the inspector's socket has told. */
const plain = socketUrl("/echo");
let tapped;

let socket;
let clean = true;
let totals = noTotals();
/** What was sent and has not come back yet, oldest first: `{ data, at }`. */
let awaited = [];

function noTotals() {
  return { sent: { messages: 0, bytes: 0 }, received: { messages: 0, bytes: 0 } };
}

// --- Connecting -------------------------------------------------------------------------------------------

function connect() {
  showProblem("address", "");
  [awaited, totals, clean] = [[], noTotals(), true];
  showTotals();
  socket ??= new LiveSocket(addressOf, {
    state: showState,
    open: onOpen,
    message: onMessage,
    close: onClose,
  }, { insist: false });
  try {
    socket.start();
  } catch (error) {
    refuseAddress($("address").value.trim(), error);
  }
}

// Asked again before each attempt: a server that was started anew has its tap at another port.
function addressOf() {
  const address = $("address").value.trim();
  // Newer browsers would take "example.com/echo" for a path on this very host, which nobody means here.
  if (!/^wss?:/i.test(address)) throw new SyntaxError("The address does not start with ws:// or wss://");
  return address;
}

function refuseAddress(address, error) {
  const words = describeRefusal(address, error);
  showProblem("address", words);
  clean = false;
  showState(socket, words);
  log.event("error", words);
  $("address").focus();
}

// The name of the constructor's error is what counts: its message only repeats the call.
function describeRefusal(address, error) {
  if (error.name !== "SyntaxError") return `The browser refuses “${address}”: ${error.message}`;
  const what = address === "" ? "The address is empty." : `“${address}” is not a WebSocket address.`;
  return `${what} One looks like ws://host/path or wss://host/path.`;
}

function onOpen() {
  log.event("open", `Connected to ${withoutKey(socket.url)}`);
  // On a phone the keyboard would jump up and hide the log.
  if (matchMedia("(hover: hover)").matches) moveFocus("connect-form", "message");
}

function onClose(event, known) {
  clean = event.wasClean;
  // Each further attempt shows in the gauge; the log would fill with them.
  if (socket.state === "waiting" && !known.opened) return;
  // Where only the port of the pages is let through, there is an echo all the same.
  const unreachable = !known.opened && !known.asked && socket.url === tapped;
  const hint = unreachable ? " Without “Show the frames” it would not go through the tap." : "";
  const words = describeClose(event, known) + hint;
  log.event("close", words, { clean });
  if (socket.state === "waiting") return;
  showState(socket, words);
  moveFocus("close-form", "connect");
}

// --- The inspector ----------------------------------------------------------------------------------------

const inspector = new LiveSocket(socketUrl("/echo/frames"), {
  message: (data) => {
    const message = JSON.parse(data);
    if (message.type === "tap") learnTap(message);
    else frames.take(message);
  },
  state: ({ state }) => {
    if (state !== "open") $("frames-state").textContent = "The inspector is not connected.";
  },
});

function learnTap({ port, path }) {
  const url = new URL(path, plain);
  url.port = port;
  const before = tapped ?? plain;
  tapped = url.href;
  $("inspect").disabled = false;
  $("frames-state").textContent = "";
  if ($("inspect").checked && $("address").value === before) $("address").value = tapped;
}

function chooseTap() {
  if (["closed", "waiting"].includes(socket?.state ?? "closed")) {
    $("address").value = $("inspect").checked ? tapped ?? plain : plain;
  }
}

/** The key is for the tap alone. */
function withoutKey(url) {
  return url.replace(/\?key=.*/, "");
}

// --- Messages ---------------------------------------------------------------------------------------------

function sendText() {
  if (socket?.state !== "open") return;
  const field = $("message");
  // A lone surrogate cannot be sent: it becomes U+FFFD here as it would on the wire, so that the echo is equal.
  transmit(field.value.toWellFormed());
  field.value = "";
  showMessageSize();
  field.focus();
}

async function sendFile() {
  const [file] = $("file").files;
  if (file === undefined) return;
  try {
    const data = new Uint8Array(await file.arrayBuffer());
    if (socket?.state === "open") transmit(data, file.name);
    else log.event("error", `${file.name} was not sent: the connection closed first.`);
  } catch (error) {
    log.event("error", `Cannot read ${file.name}: ${error.message}`);
  }
  // Otherwise choosing the same file again would be no change, and send nothing.
  $("file").value = "";
}

function transmit(data, note) {
  awaited.push({ data, at: performance.now() });
  if (awaited.length > AWAITED_LIMIT) awaited.shift();
  socket.send(data);
  addTotal("sent", data);
  log.message("sent", data, { note });
}

function onMessage(received) {
  const now = performance.now();
  const data = typeof received === "string" ? received : new Uint8Array(received);
  addTotal("received", data);
  log.message("received", data, { roundTrip: takeRoundTrip(data, now) });
}

// Echoes come in order: whatever was sent before the one that came back is not coming any more.
function takeRoundTrip(data, now) {
  const index = awaited.findIndex((sent) => sameData(sent.data, data));
  if (index === -1) return undefined;
  const { at } = awaited[index];
  awaited.splice(0, index + 1);
  return now - at;
}

function sameData(a, b) {
  if (typeof a === "string" || typeof b === "string") return a === b;
  return a.length === b.length && a.every((byte, index) => byte === b[index]);
}

function addTotal(direction, data) {
  totals[direction].messages++;
  totals[direction].bytes += typeof data === "string" ? byteLength(data) : data.length;
  showTotals();
}

// --- Closing ----------------------------------------------------------------------------------------------

function close() {
  const code = $("close-code").value.trim();
  const reason = $("close-reason").value;
  const problems = closeProblems(code, reason);
  showCloseProblems(problems);
  if (problems.code || problems.reason) {
    $(problems.code ? "close-code" : "close-reason").focus();
    return;
  }
  socket.stop(code === "" ? {} : { code: Number(code), reason });
  if (socket.state === "closing") {
    showState(socket, `With ${describeCode(code === "" ? 1005 : Number(code))}. Waiting for the server.`);
  }
}

function showCloseProblems(problems) {
  $("close-problem").textContent = [problems.code, problems.reason].filter(Boolean).join(" ");
  $("close-code").setAttribute("aria-invalid", problems.code !== "");
  $("close-reason").setAttribute("aria-invalid", problems.reason !== "");
}

// --- What the page shows ----------------------------------------------------------------------------------

function showState(live, words) {
  const { state } = live;
  if (state === "open") clean = true;
  gauge.show(live, withoutKey(words), { clean });
  $("address").readOnly = $("connect").disabled = state !== "closed";
  $("inspect").disabled = state !== "closed" || tapped === undefined;
  $("send").disabled = $("file").disabled = state !== "open";
  // A connection that is still being made, or to be made again, can be given up.
  $("close").disabled = state === "closed" || state === "closing";
}

// A button that has just been disabled takes the keyboard's place on the page away: move it to the next step.
function moveFocus(fromForm, toControl) {
  const active = document.activeElement;
  if (active === document.body || $(fromForm).contains(active)) $(toControl).focus({ preventScroll: true });
}

function showProblem(field, words) {
  $(`${field}-problem`).textContent = words;
  $(field).setAttribute("aria-invalid", words !== "");
}

function showTotals() {
  for (const direction of ["sent", "received"]) {
    const { messages, bytes } = totals[direction];
    $(`${direction}-total`).textContent = `${count(messages, "message")}, ${count(bytes, "byte")}`;
  }
}

function showMessageSize() {
  $("message-size").textContent = count(byteLength($("message").value), "byte");
}

function showReasonSize() {
  const bytes = byteLength($("close-reason").value);
  $("reason-size").textContent = `${bytes} of ${MAX_REASON_BYTES} bytes`;
  $("reason-size").classList.toggle("over", bytes > MAX_REASON_BYTES);
}

function showLogState() {
  $("log-count").textContent = log.empty ? "" : log.summary;
  $("clear").disabled = log.empty;
}

function showFramesState() {
  $("frames-count").textContent = frames.count === 0 ? "" : count(frames.count, "frame");
  $("frames-clear").disabled = $("frames").childElementCount === 0;
}

// --- Wiring -----------------------------------------------------------------------------------------------

function clearLog() {
  log.clear();
  $("log").focus({ preventScroll: true });
}

onSubmit("connect-form", connect);
onSubmit("send-form", sendText);
onSubmit("close-form", close);
onEnter("message", sendText);
$("message").addEventListener("input", showMessageSize);
$("file").addEventListener("change", sendFile);
$("close-reason").addEventListener("input", showReasonSize);
$("close-form").addEventListener("input", () => showCloseProblems({ code: "", reason: "" }));
$("clear").addEventListener("click", clearLog);

$("inspect").addEventListener("change", chooseTap);
$("frames-clear").addEventListener("click", () => frames.clear());

$("address").value = plain;
inspector.start();
// A reload may bring back what was typed.
showMessageSize();
showReasonSize();
