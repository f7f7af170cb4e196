/**
 * The live vote: `/vote` for who has logged in, and an alert to everyone by a plain request.
 *
 * @module
 */

import { createHash, timingSafeEqual } from "node:crypto";
import type { WebSocketConnection } from "../../lib/adapters/node.ts";
import type { Groups } from "../../lib/groups/mod.ts";
import { prepare } from "../../lib/adapters/node.ts";
import type { Feature } from "./feature.ts";
import { type Fields, jsonResponse, objectsOf, readObjects, textOf, textResponse } from "./json.ts";
import { listen } from "./listener.ts";
import { readForm, sessionsIn } from "./sessions.ts";
import type { Session, Store, Vote } from "./store.ts";

/** What there is to choose from. */
const CANDIDATES = ["Streams", "Callbacks", "Promises", "Events"];

/** The group of the processes that count. */
const COUNTERS = "vote counters";

/** The group of everyone who looks on. */
const VOTERS = "vote";

/** How many votes go into one message between processes. */
const PARCEL = 1_000;

/** How long votes gather before everyone is told how it stands, in milliseconds. */
const GATHER = 50;

/** How long an alert may be, in characters. */
const MAX_ALERT = 280;

/**
 * Opens the vote.
 *
 * @param groups The groups, of one process or of many.
 * @param store Where votes and sessions are.
 * @param alertToken What an alert needs.
 */
export async function vote(groups: Groups, store: Store, alertToken: string): Promise<Feature> {
  const sessions = sessionsIn(store);
  const id = crypto.randomUUID();

  let telling: ReturnType<typeof setTimeout> | undefined;
  let closed = false;

  /** Tells everyone in this process how it stands: encoded once, sent to all, once for a crowd of votes. */
  function tellResults(): void {
    telling = undefined;
    const results = prepare(resultsOf(store));
    for (const member of groups.members(VOTERS)) member.send(results).catch(() => {});
  }

  function publishVotes(votes: readonly Vote[]): void {
    groups.publish(COUNTERS, JSON.stringify({ votes }));
  }

  /** Hears of each vote, of this process and of others. A new process is told all that were cast. */
  function count(fields: Fields): void {
    if (fields.type === "hello" && fields.from !== id) {
      const cast = store.votes();
      while (cast.length > 0) publishVotes(cast.splice(0, PARCEL));
    }
    const votes = objectsOf(fields, "votes");
    for (const { voter, choice } of votes) {
      if (isCandidate(choice)) store.addVote({ voter: String(voter), choice });
    }
    if (votes.length > 0 && !closed) telling ??= setTimeout(tellResults, GATHER);
  }

  async function talk(socket: WebSocketConnection, { voter, name }: Session): Promise<void> {
    await groups.join(VOTERS, socket);
    await socket.send(JSON.stringify({ type: "welcome", name, choice: store.choiceOf(voter) }));
    await socket.send(resultsOf(store));
    for await (const fields of readObjects(socket)) {
      const choice = textOf(fields, "choice", 40);
      if (!isCandidate(choice)) continue;
      if (store.addVote({ voter, choice })) {
        publishVotes([{ voter, choice }]);
        await socket.send(JSON.stringify({ type: "counted", choice }));
      } else {
        const voted = store.choiceOf(voter) !== undefined;
        const why = voted ? "You have voted already." : "No more votes are taken.";
        await socket.send(JSON.stringify({ type: "refused", why }));
      }
    }
  }

  async function alert(request: Request): Promise<Response> {
    const form = await readForm(request);
    if (!isSame(form.get("token") ?? "", alertToken)) return textResponse(403, "Wrong token.\n");
    const text = textOf({ text: form.get("text") }, "text", MAX_ALERT);
    if (text === "") return textResponse(400, "An alert needs a text.\n");
    groups.publish(VOTERS, JSON.stringify({ type: "alert", text }));
    return textResponse(200, "Sent to everyone.\n");
  }

  await listen(groups, COUNTERS, count);
  groups.publish(COUNTERS, JSON.stringify({ type: "hello", from: id }));
  return {
    doors: {
      "/vote": (request) => {
        const session = sessions.find(request);
        if (session === undefined) return textResponse(401, "Log in first.\n");
        return (socket) => talk(socket, session);
      },
    },
    routes: {
      "POST /vote/login": (request) => sessions.logIn(request),
      // A page is not told why its socket was refused, so it asks.
      "GET /vote/session": (request) => jsonResponse({ name: sessions.find(request)?.name ?? null }),
      "POST /alert": alert,
    },
    close() {
      closed = true;
      clearTimeout(telling);
    },
  };
}

function isCandidate(choice: unknown): choice is string {
  return typeof choice === "string" && CANDIDATES.includes(choice);
}

/** Compares secrets in a time that tells nothing of them. */
function isSame(one: string, other: string): boolean {
  const [a, b] = [one, other].map((text) => createHash("sha256").update(text).digest());
  return timingSafeEqual(a!, b!);
}

/** How it stands. */
function resultsOf(store: Store): string {
  const tallies = store.tallies();
  const results = CANDIDATES.map((name) => ({ name, votes: tallies.get(name) ?? 0 }));
  return JSON.stringify({ type: "results", results });
}
