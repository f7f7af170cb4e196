/**
 * The chat room: a nickname, who is here, what is said.
 *
 * @module
 */

import { count } from "./format.js";
import { Gauge } from "./gauge.js";
import { LiveSocket, socketUrl } from "./live_socket.js";
import { $, onEnter, onSubmit, part } from "./part.js";

/** How many messages to keep on the page. */
const KEPT = 300;

const clock = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit" });

/** What the server knows this page by, over all its connections: nobody else can take the name meanwhile. */
const key = crypto.getRandomValues(new Uint32Array(4)).join("-");

const gauge = new Gauge();
/** The nickname; empty before the server has agreed to it. */
let name = "";
/** The numbers of the messages that are, or were, on the page. */
const shown = new Set();
/** Where in the history the page stands: it comes back with that, and gets what came after it. */
let position;
/** How many messages are new since the page came back, and whether one came that it had already. */
let fresh = 0;
let overlaps = false;

const socket = new LiveSocket(socketUrl("/chat"), {
  state: showState,
  open: () => name !== "" && enter(name), // back again
  message: (data) => take(JSON.parse(data)),
});

function showState(live, words) {
  gauge.show(live, live.state === "open" && name !== "" ? `You are ${name}.` : words);
  $("enter").disabled = $("send").disabled = live.state !== "open";
}

function enter(wanted) {
  $("name-problem").textContent = "";
  fresh = 0;
  overlaps = false;
  socket.send({ name: wanted, key, since: position });
}

const takers = {
  welcome({ name: mine }) {
    const first = name === "";
    name = mine;
    gauge.show(socket, `You are ${name}.`);
    $("join").hidden = true;
    $("room").hidden = false;
    if (first) $("text").focus({ preventScroll: true });
  },
  refused({ why }) {
    $("name-problem").textContent = why;
    $("join").hidden = false;
    $("name").focus();
  },
  people: ({ names }) => showPeople(names),
  message: addMessage,
  direct: addDirect,
  notice: ({ text, at }) => addLine("notice", text, at),
  unknown: ({ text }) => addNow("notice problem", text),
  back: (result) =>
    addNow(result.missed === 0 || overlaps ? "notice" : "notice problem", describeReturn(result)),
  broker({ away }) {
    if (away) {
      addNow(
        "notice problem",
        "The broker is away. Until it is back, nothing that is said to all gets through.",
      );
    } else addNow("notice", "The broker is back.");
  },
  unsent({ text }) {
    const kept = $("text").value === "";
    if (kept) $("text").value = text;
    addNow("notice problem", kept ? "Not sent. Your words are still below." : `Not sent: ${text}`);
  },
  unsure: ({ text }) => addNow("notice problem", `Nobody knows whether this got through: ${text}`),
};

function take(message) {
  takers[message.type]?.(message);
  position = message.position ?? position;
}

/** Says what became of what was said while the page was away; without `missed` the server does not know. */
function describeReturn({ missed }) {
  if (missed === 0) {
    return `Back again. ${fresh === 0 ? "Nothing was said" : `${count(fresh, "message")} came`} meanwhile.`;
  }
  if (missed > 0) return `Back again. ${count(missed, "message")} of the meantime are not kept any more.`;
  if (overlaps) {
    return "Back again. The history has begun anew, with all that you had seen: nothing should be missing.";
  }
  return "Back again. The history has begun anew: something may be missing.";
}

// --- Who is here ------------------------------------------------------------------------------------------

function showPeople(names) {
  $("people-count").textContent = names.length;
  $("people").replaceChildren(...names.map(drawPerson));
}

function drawPerson(person) {
  const item = part("li", "");
  if (person === name) {
    item.append(part("span", "person self", `${person} (you)`));
    return item;
  }
  const button = part("button", "person", person);
  button.type = "button";
  button.title = `Write to ${person} alone`;
  button.addEventListener("click", () => writeTo(person));
  item.append(button);
  return item;
}

function writeTo(person) {
  $("text").value = `/to ${person} ${$("text").value.replace(/^\/to \S* ?/, "")}`;
  $("text").focus();
}

// --- What is said -----------------------------------------------------------------------------------------

function addMessage({ id, author, text, at }) {
  if (shown.has(id)) {
    overlaps = true;
    return;
  }
  shown.add(id);
  fresh++;
  const row = makeRow(author === name ? "message own" : "message", at);
  row.firstChild.prepend(part("strong", "author", author));
  row.append(makeText(text));
  append(row);
}

function addDirect({ from, to, text, at }) {
  const row = makeRow("message direct", at);
  row.firstChild.prepend(
    part("strong", "author", from),
    part("span", "only", to === name ? "to you alone" : `to ${to} alone`),
  );
  row.append(makeText(text));
  append(row);
}

function addLine(kind, text, at) {
  const row = makeRow(kind, at);
  row.firstChild.prepend(part("span", "words", text));
  append(row);
}

function addNow(kind, text) {
  addLine(kind, text, Date.now());
}

function makeRow(className, at) {
  const row = part("li", className);
  const line = part("p", "line");
  const time = part("time", "at", clock.format(at));
  time.dateTime = new Date(at).toISOString();
  line.append(time);
  row.append(line);
  return row;
}

function makeText(text) {
  const words = part("p", "text", text);
  // The words decide their own direction, and cannot turn the rest of the row around.
  words.dir = "auto";
  return words;
}

function append(row) {
  $("messages").append(row);
  if ($("messages").childElementCount > KEPT) $("messages").firstElementChild.remove();
}

function say() {
  const text = $("text").value.trim();
  if (text === "" || !socket.send({ text })) return;
  // To go on with the same person, the address stays.
  $("text").value = /^\/to \S+ /.exec(text)?.[0] ?? "";
  $("text").focus();
}

onSubmit("join", () => enter($("name").value));
onSubmit("say", say);
onEnter("text", say);
socket.start();
