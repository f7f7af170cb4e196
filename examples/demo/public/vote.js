/**
 * The live vote: the form first, then the bars.
 *
 * @module
 */

import { count } from "./format.js";
import { Gauge } from "./gauge.js";
import { LiveSocket, socketUrl } from "./live_socket.js";
import { $, part } from "./part.js";

const gauge = new Gauge();
/** What this session has voted for. */
let chosen;
let name = "";

const socket = new LiveSocket(socketUrl("/vote"), {
  state: showState,
  message: (data) => take(JSON.parse(data)),
  close: (_event, { opened }) => !opened && checkSession(),
});

function showState(live, words) {
  gauge.show(live, live.state === "open" ? `Logged in as ${name}.` : words);
  showButtons();
}

/** A browser does not tell a page that its socket was refused with 401, so the page asks by itself. */
async function checkSession() {
  const session = await fetch("/vote/session").then((response) => response.json()).catch(() => undefined);
  if (session === undefined) return; // no server: the socket goes on trying
  name = session.name ?? "";
  $("login").hidden = name !== "";
  $("ballot").hidden = name === "";
  if (name === "") {
    socket.stop();
    gauge.show(socket, "Log in first.");
  } else if (socket.state === "closed") socket.start();
}

const takers = {
  welcome({ choice }) {
    chosen = choice;
    showButtons();
  },
  results: ({ results }) => showResults(results),
  counted({ choice }) {
    chosen = choice;
    showButtons();
  },
  refused: ({ why }) => $("ballot-note").textContent = why,
  alert({ text }) {
    $("alert-text").textContent = text;
    $("alert").hidden = false;
  },
};

function take(message) {
  takers[message.type]?.(message);
}

function showResults(results) {
  const total = results.reduce((sum, { votes }) => sum + votes, 0);
  $("total").textContent = count(total, "vote");
  for (const { name, votes } of results) {
    const row = rowOf(name);
    const share = total === 0 ? 0 : votes / total;
    row.dataset.votes = votes;
    row.querySelector(".bar").style.setProperty("--share", share);
    row.querySelector(".votes").textContent = count(votes, "vote");
    row.querySelector(".share").textContent = `${Math.round(100 * share)} %`;
  }
  showButtons();
}

function rowOf(candidate) {
  const known = [...$("candidates").children].find(({ dataset }) => dataset.name === candidate);
  return known ?? drawCandidate(candidate);
}

function drawCandidate(candidate) {
  const row = part("li", "candidate");
  row.dataset.name = candidate;
  const bar = part("div", "bar");
  bar.setAttribute("aria-hidden", "true");
  const figures = part("p", "figures");
  figures.append(part("span", "votes"), part("span", "share"));
  const button = part("button", "button small", "Vote");
  button.type = "button";
  button.setAttribute("aria-label", `Vote for ${candidate}`);
  button.addEventListener("click", () => socket.send({ choice: candidate }));
  row.append(part("h3", "", candidate), button, bar, figures);
  $("candidates").append(row);
  return row;
}

function showButtons() {
  for (const row of $("candidates").children) {
    const mine = row.dataset.name === chosen;
    row.classList.toggle("chosen", mine);
    const button = row.querySelector("button");
    button.disabled = chosen !== undefined || socket.state !== "open";
    button.textContent = mine ? "Your vote" : "Vote";
  }
  $("ballot-note").textContent = chosen === undefined ? "You have one vote." : `You voted for ${chosen}.`;
}

$("alert-close").addEventListener("click", () => {
  $("alert").hidden = true;
  $("ballot").querySelector("button:enabled")?.focus();
});
checkSession();
