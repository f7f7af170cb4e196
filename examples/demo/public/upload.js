/**
 * The upload page: sends a file as one message, and compares what the server made of it.
 *
 * @module
 */

import { formatBytes, formatDuration } from "./format.js";
import { Gauge } from "./gauge.js";
import { LiveSocket, socketUrl } from "./live_socket.js";
import { $ } from "./part.js";

/** Larger files are not hashed here: `crypto.subtle` wants all of it at once. */
const HASHED_HERE = 268_435_456;

/** How much the page makes by itself, and how much of it `crypto.getRandomValues` gives at a time. */
const MADE = 67_108_864;
const RANDOM = 65_536;

const gauge = new Gauge();
const socket = new LiveSocket(socketUrl("/upload"), {
  state: (live, words) => {
    gauge.show(live, words);
    showButtons();
  },
  message: (data) => show(JSON.parse(data)),
  close: () => sending && fail("The connection was lost in the middle of the file."),
});

/** What is on its way: how large it is, since when, and its hash in this page. */
let sending;

/** Sends a file, and hashes it meanwhile. */
function send(file, name) {
  sending = { size: file.size, since: performance.now(), ours: hashHere(file) };
  $("name").textContent = name;
  $("words").textContent = `Sending ${formatBytes(file.size)} as one message.`;
  for (const id of ["size", "speed", "growth", "theirs", "ours"]) $(id).textContent = "–";
  $("verdict").textContent = "";
  delete $("verdict").dataset.same;
  $("progress").value = 0;
  showButtons();
  socket.send(file);
}

/** Shows how far the server is; at the end, whether both have the same. */
function show({ type, size, growth, sha256 }) {
  const taken = performance.now() - sending.since;
  $("progress").value = sending.size === 0 ? 1 : size / sending.size;
  $("size").textContent = formatBytes(size);
  $("speed").textContent = `${(size / taken / 1_000).toFixed(0)} MB/s`;
  $("growth").textContent = formatBytes(growth).replace(/ \(.*/, "");
  if (type === "done") finish(sha256, taken);
}

async function finish(theirs, taken) {
  const { ours } = sending;
  sending = undefined;
  showButtons();
  $("words").textContent = `Done in ${formatDuration(taken)}.`;
  $("theirs").textContent = theirs;
  const own = await ours;
  $("ours").textContent = own ?? "Not computed: the file is over 256 MiB.";
  if (own === undefined) return;
  $("verdict").dataset.same = own === theirs;
  $("verdict").textContent = own === theirs ? "The same: every byte arrived." : "They differ.";
}

function fail(words) {
  sending = undefined;
  $("words").textContent = words;
  showButtons();
}

/** Hashes a file; `undefined` if it is too large for that, or the page may not. */
async function hashHere(file) {
  if (file.size > HASHED_HERE || crypto.subtle === undefined) return undefined;
  const digest = await crypto.subtle.digest("SHA-256", await file.arrayBuffer());
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function makeFile() {
  const bytes = new Uint8Array(MADE);
  for (let at = 0; at < MADE; at += RANDOM) crypto.getRandomValues(bytes.subarray(at, at + RANDOM));
  return new Blob([bytes]);
}

function showButtons() {
  const ready = socket.state === "open" && sending === undefined;
  $("file").disabled = $("make").disabled = !ready;
}

$("file").addEventListener("change", ({ target }) => {
  const [file] = target.files;
  if (file !== undefined) send(file, file.name);
  target.value = "";
});
$("make").addEventListener("click", () => send(makeFile(), "64 MiB of random bytes"));
$("drop").addEventListener("dragover", (event) => event.preventDefault());
$("drop").addEventListener("drop", (event) => {
  event.preventDefault();
  const [file] = event.dataTransfer.files;
  if (file !== undefined && !$("file").disabled) send(file, file.name);
});

socket.start();
