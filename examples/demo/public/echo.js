/**
 * The echo console: one connection, what goes out on it, and what comes back.
 *
 * @module
 */

import { byteLength, closeProblems, count, describeClose, describeCode, MAX_REASON_BYTES } from "./format.js";
import { Log } from "./log.js";

const $ = (id) => document.getElementById(id);

const WORDS = { connecting: "Connecting", open: "Open", closing: "Closing", closed: "Closed" };

/** How many sent messages to remember for round trips: a server that never echoes must not fill the memory. */
const AWAITED_LIMIT = 500;

const log = new Log($("log"), { limit: 500, onChange: showLogState });

let socket;
// What this page knows of the connection and its CloseEvent does not tell.
let opened = false;
let asked = false;
let totals = noTotals();
/** What was sent and has not come back yet, oldest first: `{ data, at }`. */
let awaited = [];

function noTotals() {
  return { sent: { messages: 0, bytes: 0 }, received: { messages: 0, bytes: 0 } };
}

// --- Connecting -------------------------------------------------------------------------------------------

function connect() {
  const address = $("address").value.trim();
  showProblem("address", "");
  try {
    socket = openSocket(address);
  } catch (error) {
    refuseAddress(address, error);
    return;
  }
  [opened, asked, awaited, totals] = [false, false, [], noTotals()];
  showTotals();
  setState("connecting", socket.url);
  socket.binaryType = "arraybuffer";
  socket.addEventListener("open", onOpen);
  socket.addEventListener("message", onMessage);
  socket.addEventListener("error", onError);
  socket.addEventListener("close", onClose);
}

// Newer browsers would take "example.com/echo" for a path on this very host, which nobody means here.
function openSocket(address) {
  if (!/^wss?:/i.test(address)) throw new SyntaxError("The address does not start with ws:// or wss://");
  return new WebSocket(address);
}

function refuseAddress(address, error) {
  const words = describeRefusal(address, error);
  showProblem("address", words);
  setState("closed", words, false);
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
  opened = true;
  setState("open", socket.url);
  log.event("open", `Connected to ${socket.url}`);
  // On a phone the keyboard would jump up and hide the log.
  if (matchMedia("(hover: hover)").matches) moveFocus("connect-form", "message");
}

// The browser keeps the cause from pages; the close event that follows tells the little there is to tell.
function onError() {
  log.event("error", "The connection failed. The browser does not tell pages why.");
}

function onClose(event) {
  const words = describeClose(event, { opened, asked });
  setState("closed", words, event.wasClean);
  log.event("close", words, { clean: event.wasClean });
  moveFocus("close-form", "connect");
}

// --- Messages ---------------------------------------------------------------------------------------------

function sendText() {
  if (!isOpen()) return;
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
    if (isOpen()) transmit(data, file.name);
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

function onMessage(event) {
  const now = performance.now();
  const data = typeof event.data === "string" ? event.data : new Uint8Array(event.data);
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
  asked = true;
  const ending = describeCode(code === "" ? 1005 : Number(code));
  setState("closing", opened ? `With ${ending}. Waiting for the server.` : "Giving up.");
  if (code === "") socket.close();
  else socket.close(Number(code), reason);
}

function showCloseProblems(problems) {
  $("close-problem").textContent = [problems.code, problems.reason].filter(Boolean).join(" ");
  $("close-code").setAttribute("aria-invalid", problems.code !== "");
  $("close-reason").setAttribute("aria-invalid", problems.reason !== "");
}

// --- What the page shows ----------------------------------------------------------------------------------

function setState(state, detail, clean = true) {
  $("state").dataset.state = state;
  $("state").dataset.clean = clean;
  $("state-word").textContent = WORDS[state];
  $("state-detail").textContent = detail;
  $("address").readOnly = state !== "closed";
  $("connect").disabled = state !== "closed";
  $("send").disabled = state !== "open";
  $("file").disabled = state !== "open";
  // A connection that is still being made can be given up.
  $("close").disabled = state === "closed" || state === "closing";
}

function isOpen() {
  return socket?.readyState === WebSocket.OPEN;
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

// --- Wiring -----------------------------------------------------------------------------------------------

function onSubmit(form, action) {
  $(form).addEventListener("submit", (event) => {
    event.preventDefault();
    action();
  });
}

// Enter that ends a composition (of Japanese, say) belongs to the input method.
function onMessageKey(event) {
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  sendText();
}

function clearLog() {
  log.clear();
  $("log").focus({ preventScroll: true });
}

onSubmit("connect-form", connect);
onSubmit("send-form", sendText);
onSubmit("close-form", close);
$("message").addEventListener("keydown", onMessageKey);
$("message").addEventListener("input", showMessageSize);
$("file").addEventListener("change", sendFile);
$("close-reason").addEventListener("input", showReasonSize);
$("close-form").addEventListener("input", () => showCloseProblems({ code: "", reason: "" }));
$("clear").addEventListener("click", clearLog);

$("address").value = `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/echo`;
// A reload may bring back what was typed.
showMessageSize();
showReasonSize();
