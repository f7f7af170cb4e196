/**
 * Why not polling: the same updates by three ways, one after the other, with what each cost.
 *
 * @module
 */

import { count, formatDuration } from "./format.js";
import { Gauge } from "./gauge.js";
import { LiveSocket, socketUrl } from "./live_socket.js";
import { $, onSubmit, part } from "./part.js";

/** How far updates are apart, in milliseconds, on average. */
const MEAN = 250;

const gauge = new Gauge();
const server = new LiveSocket(socketUrl("/hello"), {
  state: (live, words) => {
    gauge.show(live, words);
    showButton();
  },
});

const NAMES = { poll: "Polling", long: "Long polling", socket: "WebSocket" };

let running = false;
/** What is to be added to this page's clock to get the server's, in milliseconds. */
let offset = 0;

// --- The three ways: each calls `see` with every update, once ----------------------------------------------

async function poll(run, wanted, see) {
  const interval = Number($("interval").value);
  for (let first = 0; first < wanted;) {
    await new Promise((resolve) => setTimeout(resolve, interval));
    first += see(await getJson(`/transports/updates?run=${run}&first=${first}`));
  }
}

async function long(run, wanted, see) {
  for (let first = 0; first < wanted;) {
    first += see(await getJson(`/transports/updates?run=${run}&first=${first}&wait`));
  }
}

function socket(run, wanted, see) {
  return new Promise((resolve, reject) => {
    const one = new WebSocket(socketUrl(`/transports?run=${run}`));
    let seen = 0;
    one.addEventListener("message", ({ data }) => {
      seen += see(JSON.parse(data));
      if (seen === wanted) one.close();
    });
    one.addEventListener(
      "close",
      () => seen === wanted ? resolve() : reject(new Error("The connection was lost")),
    );
  });
}

const WAYS = { poll, long, socket };

// --- A run -------------------------------------------------------------------------------------------------

async function runAll() {
  running = true;
  showButton();
  clear();
  try {
    offset = await measureOffset();
    for (const by of Object.keys(WAYS)) await runOne(by);
    $("progress").textContent = "Done.";
  } catch {
    $("progress").textContent = "Interrupted: the server went away. Run again when it is back.";
  }
  running = false;
  showButton();
}

async function runOne(by) {
  const wanted = Number($("count").value);
  const track = document.querySelector(`.lane[data-by="${by}"] .track`);
  const delays = [];
  const { cpu: before } = await getJson("/transports/server");
  const { id } = await getJson(`/transports/run?count=${wanted}&mean=${MEAN}`, { method: "POST" });
  const start = serverNow();
  await WAYS[by](id, wanted, (updates) => {
    const seen = serverNow();
    for (const { made } of updates) {
      delays.push(Math.max(0, seen - made));
      mark(track, "made", (made - start) / (wanted * MEAN));
      mark(track, "seen", (seen - start) / (wanted * MEAN));
    }
    $("progress").textContent = `${NAMES[by]}: ${delays.length} of ${count(wanted, "update")} seen.`;
    return updates.length;
  });
  const { cpu, requests, bytes } = await getJson(`/transports/server?run=${id}`);
  showFigures(by, { requests, bytes, delays, cpu: cpu - before });
}

async function getJson(path, options) {
  const response = await fetch(path, options);
  if (!response.ok) throw new Error(`Status ${response.status}`);
  return await response.json();
}

function serverNow() {
  return performance.timeOrigin + performance.now() + offset;
}

/**
 * Asks for the server's time: the quickest of a few answers is the best, and right to half its way there and back. A
 * difference below that is none that could be known: on one machine both have the same clock.
 */
async function measureOffset() {
  let best = { trip: Infinity, offset: 0 };
  for (let i = 0; i < 10; i++) {
    const asked = performance.timeOrigin + performance.now();
    const { now } = await getJson("/transports/server");
    const answered = performance.timeOrigin + performance.now();
    const trip = answered - asked;
    if (trip < best.trip) best = { trip, offset: now - (asked + answered) / 2 };
  }
  return Math.abs(best.offset) > best.trip / 2 ? best.offset : 0;
}

// --- What the page shows -----------------------------------------------------------------------------------

function showFigures(by, { requests, bytes, delays, cpu }) {
  const row = document.querySelector(`tr[data-by="${by}"]`);
  const sorted = delays.toSorted((a, b) => a - b);
  const at = (share) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))];
  const figures = {
    requests: requests.toLocaleString("en"),
    bytes: bytes.toLocaleString("en"),
    p50: formatDuration(at(0.5)),
    p99: formatDuration(at(0.99)),
    cpu: formatDuration(cpu),
  };
  for (const [name, words] of Object.entries(figures)) row.querySelector(`.${name}`).textContent = words;
  row.dataset.p50 = at(0.5);
  row.dataset.requests = requests;
}

function mark(track, kind, share) {
  const dot = part("i", kind);
  dot.style.left = `${Math.min(share, 1.25) * 80}%`;
  track.append(dot);
}

function clear() {
  for (const track of document.querySelectorAll(".track")) track.replaceChildren();
  for (const cell of document.querySelectorAll("tbody td")) cell.textContent = "–";
}

function showButton() {
  $("run").disabled = running || server.state !== "open";
  $("interval").disabled = $("count").disabled = running;
}

onSubmit("setup", runAll);
server.start();
