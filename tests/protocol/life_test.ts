/**
 * Whole lives of connections, without sockets or time: what is done to an endpoint, and what it says is to be done.
 *
 * @module
 */

import { test } from "node:test";
import { assertEquals } from "#std/assert";
import { WebSocketError } from "../../lib/errors.ts";
import { Endpoint, type EndpointEvent } from "../../lib/protocol/endpoint.ts";
import type { Role } from "../../lib/protocol/frame.ts";
import type { Life } from "../../lib/protocol/state.ts";
import { decodeLines, otherRole, showEvent, wireTo } from "./replay.ts";

/** What is done: frames arrive, as the vectors write them; or a method is called. */
type Act = string;

/** What comes of each act: the events, the frames to send, then where the connection stands and what is to be done. */
interface Row {
  readonly name: string;
  readonly roles?: readonly Role[];
  readonly life: readonly (readonly [act: Act, outcome: string])[];
}

const ROLES: readonly Role[] = ["server", "client"];
const CLOSE = "88 05: 0fa0 627965";
const MESSAGE_AND_CLOSE = `81 01: 61; ${CLOSE}`;
const MESSAGE_AND_FAULT = "81 01: 61; 83 00; 81 01: 62";
const BYE = 'close 4000 "bye"';
const REPLY = "88 0fa0627965";

const rows: readonly Row[] = [
  {
    name:
      "the client closes: the answer is written, then the server ends the stream, and waits for the client to",
    roles: ["server"],
    life: [
      [CLOSE, "end; closeReceived, deadline answer"],
      ["allRead", `${BYE}; ${REPLY}; closed, deadline end`],
      ["flushed", "halfClosed, deadline end, shutdown"],
      ["peerEnded", "ended, shutdown, destroy"],
      ["lost", "gone"],
    ],
  },
  {
    name: "the server closes: the client answers, and waits for the server to end the stream",
    roles: ["client"],
    life: [
      [CLOSE, "end; closeReceived, deadline answer"],
      ["allRead", `${BYE}; ${REPLY}; closed, deadline end`],
      ["flushed", "closed, deadline end"],
      ["peerEnded", "finishing, deadline end"],
      ["flushed", "ended, shutdown, destroy"],
      ["lost", "gone"],
    ],
  },
  {
    name: "we close, as a server",
    roles: ["server"],
    life: [
      ["close", "88 03e8; closeSent, deadline end"],
      ["flushed", "closeSent, deadline end"],
      [MESSAGE_AND_CLOSE, `${BYE}; closed, deadline end`],
      ["flushed", "halfClosed, deadline end, shutdown"],
      ["82 01: 00; ff ff", "halfClosed, deadline end, shutdown"],
      ["peerEnded", "ended, shutdown, destroy"],
      ["abort", "ended, shutdown, destroy"],
      ["lost", "gone"],
    ],
  },
  {
    name: "we close, as a client",
    roles: ["client"],
    life: [
      ["close", "88 03e8; closeSent, deadline end"],
      [CLOSE, `${BYE}; closed, deadline end`],
      ["flushed", "closed, deadline end"],
      ["late", "cut, destroy"],
      ["lost", "gone"],
    ],
  },
  {
    name: "a Close that is not answered in time cuts the stream",
    life: [
      ["close", "88 03e8; closeSent, deadline end"],
      ["late", "error close-timeout; cut, destroy"],
      ["lost", "gone"],
    ],
  },
  {
    name: "a peer that does not end the stream in time is cut",
    roles: ["server"],
    life: [
      ["close", "88 03e8; closeSent, deadline end"],
      [CLOSE, `${BYE}; closed, deadline end`],
      ["flushed", "halfClosed, deadline end, shutdown"],
      ["late", "cut, destroy"],
    ],
  },
  {
    name: "one that does not read our last frame in time, too",
    roles: ["server"],
    life: [
      [CLOSE, "end; closeReceived, deadline answer"],
      ["allRead", `${BYE}; ${REPLY}; closed, deadline end`],
      ["late", "cut, destroy"],
    ],
  },
  {
    name:
      "until the messages before a Close are read, we send; when they are not in time, it is answered all the same",
    life: [
      [MESSAGE_AND_CLOSE, 'text "a"; end; closeReceived, deadline answer'],
      ["send", "81 62; closeReceived, deadline answer"],
      ["late", `${BYE}; ${REPLY}; closed, deadline end`],
    ],
  },
  {
    name: "our own Close answers theirs",
    life: [
      [MESSAGE_AND_CLOSE, 'text "a"; end; closeReceived, deadline answer'],
      ["close", `${BYE}; 88 03e8; closed, deadline end`],
      ["close", "it is over"],
    ],
  },
  {
    name:
      "a fault waits for the messages before it; then the peer is told, and we end the stream in either role",
    life: [
      [MESSAGE_AND_FAULT, 'text "a"; end; violated, deadline answer'],
      ["send", "81 62; violated, deadline answer"],
      ["89 00; 81 01: 63", "violated, deadline answer"],
      ["allRead", "error reserved-opcode; 88 03ea; failed, deadline end"],
      ["flushed", "halfClosed, deadline end, shutdown"],
      ["peerEnded", "ended, shutdown, destroy"],
    ],
  },
  {
    name: "at the latest when the deadline is over",
    life: [
      [MESSAGE_AND_FAULT, 'text "a"; end; violated, deadline answer'],
      ["late", "error reserved-opcode; 88 03ea; failed, deadline end"],
      ["late", "cut, destroy"],
    ],
  },
  {
    name: "our own Close tells of the fault instead",
    life: [
      [MESSAGE_AND_FAULT, 'text "a"; end; violated, deadline answer'],
      ["close", "error reserved-opcode; 88 03ea; failed, deadline end"],
    ],
  },
  {
    name: "a fault after our Close fails at once, and the peer is not told",
    life: [
      ["close", "88 03e8; closeSent, deadline end"],
      ["83 00", "error reserved-opcode; failed, deadline end"],
      ["flushed", "halfClosed, deadline end, shutdown"],
    ],
  },
  {
    name: "a peer that sends a Close and ends its direction still gets our replies and our Close",
    life: [
      [MESSAGE_AND_CLOSE, 'text "a"; end; closeReceived, deadline answer'],
      ["peerEnded", "unanswered, deadline answer"],
      ["send", "81 62; unanswered, deadline answer"],
      ["flushed", "unanswered, deadline answer"],
      ["allRead", `${BYE}; ${REPLY}; finishing, deadline end`],
      ["flushed", "ended, shutdown, destroy"],
      ["lost", "gone"],
    ],
  },
  {
    name: "so does one that breaks a rule and ends its direction",
    life: [
      [MESSAGE_AND_FAULT, 'text "a"; end; violated, deadline answer'],
      ["peerEnded", "unanswered, deadline answer"],
      ["late", "error reserved-opcode; 88 03ea; finishing, deadline end"],
      ["late", "cut, destroy"],
    ],
  },
  {
    name: "a peer that ends its direction without a Close is lost; what we have sent is written",
    life: [
      ["send", "81 62; open"],
      ["peerEnded", "error connection-lost; finishing, deadline end"],
      ["peerEnded", "finishing, deadline end"],
      ["flushed", "ended, shutdown, destroy"],
    ],
  },
  {
    name: "so is one that does that after our Close",
    life: [
      ["close", "88 03e8; closeSent, deadline end"],
      ["peerEnded", "error connection-lost; finishing, deadline end"],
      ["flushed", "ended, shutdown, destroy"],
    ],
  },
  {
    name: "a peer that ends its direction before ours is written is not waited for",
    life: [
      [CLOSE, "end; closeReceived, deadline answer"],
      ["allRead", `${BYE}; ${REPLY}; closed, deadline end`],
      ["peerEnded", "finishing, deadline end"],
      ["flushed", "ended, shutdown, destroy"],
    ],
  },
  {
    name: "a stream that is lost while the peer's Close waits is closed as the peer did, and nothing is sent",
    life: [
      [MESSAGE_AND_CLOSE, 'text "a"; end; closeReceived, deadline answer'],
      ["lost", `${BYE}; gone`],
      ["allRead", "gone"],
    ],
  },
  {
    name: "one that is lost while a fault waits has failed by that",
    life: [
      [MESSAGE_AND_FAULT, 'text "a"; end; violated, deadline answer'],
      ["lost", "error reserved-opcode; gone"],
    ],
  },
  {
    name: "a stream that is lost leaves what had arrived",
    life: [
      ["arrive 81 01: 61; 89 00; 81 01: 62; 88 00; 81 01: 63", "open"],
      ["lost", "error connection-lost; lost"],
      ["abort", "lost"],
      ["late", "lost"],
      ["next", 'text "a"; text "b"; gone'],
    ],
  },
  {
    name: "but not what came after our Close",
    life: [
      ["close", "88 03e8; closeSent, deadline end"],
      ["arrive 81 01: 61", "closeSent, deadline end"],
      ["lost", "error connection-lost; gone"],
      ["next", "gone"],
    ],
  },
  {
    name: "what cannot be decoded of a lost stream ends it",
    life: [
      ["arrive 81 01: 61; 83 00; 81 01: 62", "open"],
      ["lost", "error connection-lost; lost"],
      ["next", 'text "a"; gone'],
    ],
  },
  {
    name: "a lost stream of which we cannot take the rest is gone, and the end that was told counts",
    life: [
      ["arrive 81 01: 61", "open"],
      ["lost", "error connection-lost; lost"],
      ["fail", "gone"],
      ["next", "gone"],
    ],
  },
  {
    name: "to abort cuts the stream: nothing more is sent or decoded, and the one who did it knows why",
    life: [
      ["arrive 81 01: 61", "open"],
      ["abort", "cut, destroy"],
      ["next", "cut, destroy"],
      ["peerEnded", "cut, destroy"],
      ["late", "cut, destroy"],
      ["flushed", "cut, destroy"],
      ["lost", "gone"],
    ],
  },
  {
    name: "to abort while a Close waits forgets it",
    life: [
      [MESSAGE_AND_CLOSE, 'text "a"; end; closeReceived, deadline answer'],
      ["abort", "cut, destroy"],
      ["allRead", "cut, destroy"],
      ["lost", "gone"],
    ],
  },
  {
    name: "a failure of our own is told at once, whatever waits",
    life: [
      [MESSAGE_AND_CLOSE, 'text "a"; end; closeReceived, deadline answer'],
      ["fail", "error internal; 88 03f3; failed, deadline end"],
      ["fail", "failed, deadline end"],
    ],
  },
];

const calls: Readonly<Record<string, (endpoint: Endpoint) => EndpointEvent | undefined | void>> = {
  send: (endpoint) => endpoint.sendMessage("b"),
  close: (endpoint) => endpoint.sendClose({ closeCode: 1000, reason: "" }),
  fail: (endpoint) => endpoint.fail(new WebSocketError("internal")),
  allRead: (endpoint) => endpoint.allRead(),
  flushed: (endpoint) => endpoint.flushed(),
  peerEnded: (endpoint) => endpoint.peerEnded(),
  late: (endpoint) => endpoint.late(),
  abort: (endpoint) => endpoint.abort(),
  lost: (endpoint) => endpoint.lost(),
};

function show({ state, deadline, shutdown, destroy }: Life): string {
  const asks = [deadline && `deadline ${deadline}`, shutdown && "shutdown", destroy && "destroy"];
  return [state, ...asks.filter(Boolean)].join(", ");
}

/** Does something to an endpoint; returns what comes of it. */
function perform(endpoint: Endpoint, role: Role, act: Act): string {
  if (act === "close" && !endpoint.canSend) return "it is over";
  const events: EndpointEvent[] = [];
  const call = calls[act];
  if (call !== undefined) events.push(...[call(endpoint) ?? []].flat());
  else {
    if (act !== "next") endpoint.receive(wireTo(role, act.replace("arrive ", "")));
    const waits = act.startsWith("arrive ");
    for (let event = waits ? undefined : endpoint.next(); event !== undefined; event = endpoint.next()) {
      events.push(event);
    }
  }
  const sent = decodeLines([endpoint.output.take()], { role: otherRole(role) });
  return [...events.map(showEvent), ...sent, show(endpoint.life)].join("; ");
}

for (const { name, roles = ROLES, life } of rows) {
  for (const role of roles) {
    test(`the life of a ${role}'s connection: ${name}`, () => {
      const endpoint = new Endpoint({ role, maxMessageSize: 1_000, maxEmptyFragments: 2 });
      const outcomes = life.map(([act]) => [act, perform(endpoint, role, act)]);
      assertEquals(outcomes, life.map((step) => [...step]));
    });
  }
}
