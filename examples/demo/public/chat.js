/**
 * The chat room: a nickname, who is here, what is said.
 *
 * @module
 */

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
  socket.send({ name: wanted, key });
}

const takers = {
  welcome({ name: mine, history }) {
    const first = name === "";
    name = mine;
    gauge.show(socket, `You are ${name}.`);
    history.forEach(addMessage); // back again, only what was said meanwhile is new
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
  unknown: ({ text }) => addLine("notice problem", text, Date.now()),
};

function take(message) {
  takers[message.type]?.(message);
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
  if (shown.has(id)) return;
  shown.add(id);
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
