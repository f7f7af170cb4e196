/**
 * What a connection does to its transport at its end, and when: on a clock that is a number, without sockets.
 *
 * @module
 */

import { test } from "node:test";
import { assertEquals } from "#std/assert";
import fc from "fast-check";
import { Connection } from "../../lib/connection/connection.ts";
import { readLimits } from "../../lib/connection/limits.ts";
import type { Role } from "../../lib/protocol/frame.ts";
import type { CloseInfo } from "../../lib/protocol/close_payload.ts";
import type { WebSocketError } from "../../mod.ts";
import { decodeLines, otherRole, wireTo } from "../protocol/replay.ts";
import { type Clock, withClock } from "../support/clock.ts";
import { check } from "../support/property.ts";
import { unwatched } from "../support/watch_sent.ts";
import { RecordingTransport } from "./recording_transport.ts";

const CLOSE_TIMEOUT = 100;
const ROLES: readonly Role[] = ["server", "client"];

/** A connection whose peer closes first is one of which messages are unread: its Close waits. */
const UNREAD_AND_CLOSE = "81 01: 61; 88 02: 0fa0";

interface Row {
  readonly name: string;
  readonly roles?: readonly Role[];
  /** Whether writes are done only when the row says "written". */
  readonly slow?: boolean;
  /** What happens, and what the transport and the user are told by it. */
  readonly life: readonly (readonly [what: string, outcome: string])[];
}

const rows: readonly Row[] = [
  {
    name: "our Close is not answered",
    life: [
      ["close", "88 03e8"],
      ["99 ms", ""],
      ["1 ms", "error close-timeout, destroy"],
      ["100 ms", ""],
      ["gone", "gone"],
    ],
  },
  {
    name: "our Close is answered, and the client does not end the stream",
    roles: ["server"],
    life: [
      ["close", "88 03e8"],
      ["60 ms", ""],
      ["88 02: 03e8", "close 1000, shutdown"],
      ["39 ms", ""],
      ["1 ms", "destroy"],
      ["gone", "gone"],
    ],
  },
  {
    name: "our Close is answered, and the client ends the stream",
    roles: ["server"],
    life: [
      ["close", "88 03e8"],
      ["88 02: 03e8", "close 1000, shutdown"],
      ["peer ended", "destroy"],
      ["gone", "gone"],
      ["100 ms", ""],
    ],
  },
  {
    name: "our Close is answered, and the server ends the stream",
    roles: ["client"],
    life: [
      ["close", "88 03e8"],
      ["88 02: 03e8", "close 1000"],
      ["50 ms", ""],
      ["peer ended", "shutdown, destroy"],
      ["gone", "gone"],
    ],
  },
  {
    name: "a Close waits for its turn, and has a deadline of its own",
    roles: ["client"],
    life: [
      [UNREAD_AND_CLOSE, ""],
      ["60 ms", ""],
      ["send", "81 62"],
      ["39 ms", ""],
      ["1 ms", "close 4000, 88 0fa0"],
    ],
  },
  {
    name: "when it is answered, the deadline of the stream's end begins",
    roles: ["server"],
    slow: true,
    life: [
      [UNREAD_AND_CLOSE, ""],
      ["100 ms", "close 4000, 88 0fa0"],
      ["60 ms", ""],
      ["written", "shutdown"],
      ["39 ms", ""],
      ["1 ms", "destroy"],
    ],
  },
  {
    name: "our direction is not ended before all is written",
    slow: true,
    life: [
      ["send", "81 62"],
      ["83 00", ""],
      ["allow", "error reserved-opcode"],
      ["written", "88 03ea"],
      ["written", "shutdown"],
      ["peer ended", "destroy"],
    ],
  },
  {
    name: "a peer that ends its direction too early still gets what was sent",
    slow: true,
    life: [
      ["send", "81 62"],
      ["peer ended", "error connection-lost"],
      ["written", "shutdown, destroy"],
      ["gone", "gone"],
    ],
  },
  {
    name: "a peer that ends its direction after its Close still gets our answer",
    slow: true,
    life: [
      [UNREAD_AND_CLOSE, ""],
      ["peer ended", ""],
      ["send", "81 62"],
      ["100 ms", "close 4000"],
      ["written", "88 0fa0"],
      ["written", "shutdown, destroy"],
    ],
  },
  {
    name: "to abort frees the stream at once, and nothing more is written",
    slow: true,
    life: [
      ["send", "81 62"],
      ["send", ""],
      ["abort", "error aborted, destroy"],
      ["written", ""],
      ["gone", "gone"],
      ["100 ms", ""],
    ],
  },
  {
    name: "to abort where the platform can reset does both",
    life: [
      ["can reset", ""],
      ["abort", "error aborted, reset, destroy"],
      ["abort", "reset"],
    ],
  },
  {
    name: "a lost stream needs no deadline, and is not written to",
    life: [
      [UNREAD_AND_CLOSE, ""],
      ["gone", "close 4000, gone"],
      ["send", ""],
      ["flush", ""],
      ["100 ms", ""],
    ],
  },
  {
    name: "one that is lost in the middle of a message tells why",
    life: [["01 01: 61", ""], ["gone", "error connection-lost, gone"], ["abort", ""], ["close", ""]],
  },
];

/** A connection, and what has happened since it was looked at. */
class Scene {
  readonly #clock: Clock;
  readonly #role: Role;
  readonly #transport = new RecordingTransport();
  readonly #connection: Connection;
  #outcome: string[] = [];

  constructor(clock: Clock, role: Role, slow: boolean) {
    this.#clock = clock;
    this.#role = role;
    const transport = this.#transport;
    transport.defer = () => transport.sink.flush();
    this.#connection = new Connection(transport, {
      role,
      protocol: "",
      extensions: "",
      deflate: undefined,
      limits: readLimits({ keepalive: false, closeTimeout: CLOSE_TIMEOUT }),
      rest: new Uint8Array(0),
    });
    transport.busy = slow;
    const shown = ({ code, closeCode }: Partial<WebSocketError> & Partial<CloseInfo>) =>
      code === undefined ? `close ${closeCode}` : `error ${code}`;
    this.#connection.observe({
      closed: (end) => this.#outcome.push(shown(end)),
      gone: () => this.#outcome.push("gone"),
    });
    // Somebody has begun to read, and does not go on: an end has to wait for its turn.
    const iterator = this.#connection[Symbol.asyncIterator]();
    iterator.next();
    transport.sink.data(wireTo(role, "81 01: 7a"));
    this.#take();
  }

  /** Lets something happen; returns what comes of it. */
  play(what: string): string {
    const { sink } = this.#transport;
    if (what.endsWith(" ms")) this.#clock.advance(parseInt(what));
    else if (what === "close") this.#connection.close();
    else if (what === "abort") this.#connection.abort();
    else if (what === "send") this.#connection.send("b").catch(() => {});
    else if (what === "allow") this.#clock.advance(CLOSE_TIMEOUT);
    else if (what === "written") sink.drain();
    else if (what === "flush") sink.flush();
    else if (what === "peer ended") sink.end();
    else if (what === "can reset") {
      Object.assign(this.#transport, { reset: () => this.#transport.told.push("reset") });
    } else if (what === "gone") {
      this.#transport.open = false;
      sink.gone();
    } else sink.data(wireTo(this.#role, what));
    return this.#take();
  }

  #take(): string {
    const sent = decodeLines([this.#transport.take()], { role: otherRole(this.#role) });
    const done = this.#transport.told.splice(0).filter((what) => /shutdown|destroy|reset/.test(what));
    return [...this.#outcome.splice(0), ...sent, ...done].join(", ");
  }
}

/** Runs something with connections that shake no hands, on a clock of its own. */
const onClock = (run: (clock: Clock) => void): void => unwatched(() => withClock(run));

for (const { name, roles = ROLES, slow = false, life } of rows) {
  for (const role of roles) {
    test(`the end of a ${role}'s connection: ${name}`, () =>
      onClock((clock) => {
        const scene = new Scene(clock, role, slow);
        const outcomes = life.map(([what]) => [what, scene.play(what)]);
        // It is the shared timers' last: they would wait for a clock that stands still.
        scene.play("gone");
        assertEquals(outcomes, life.map((step) => [...step]));
      }));
  }
}

test("nothing of a connection's end is left when it is gone: no timer", () =>
  onClock((clock) => {
    for (const what of ["close", "abort", UNREAD_AND_CLOSE, "83 00", "peer ended"]) {
      const scene = new Scene(clock, "server", false);
      scene.play(what);
      scene.play("gone");
      assertEquals(clock.timers, 0, what);
    }
  }));

const acts = [
  ...["close", "abort", "send", "written", "flush", "peer ended", "gone", "40 ms", "81 01: 61", "89 00"],
  ...["88 02: 03e8", "83 00", "01 01: 61", "80 01: 62", "7 ms"],
];

test("whatever happens in whatever order: one end is told, the stream is ended and freed once, and no timer is left", () =>
  check(
    fc.property(
      fc.array(fc.constantFrom(...acts), { maxLength: 25 }),
      fc.constantFrom(...ROLES),
      fc.boolean(),
      (happenings, role, slow) =>
        onClock((clock) => {
          const scene = new Scene(clock, role, slow);
          const outcomes: string[] = [];
          // Nothing follows the end of the stream, and the peer ends its direction once.
          const once = new Set<string>();
          for (const what of [...happenings, "100 ms", "100 ms", "gone"]) {
            if (once.has("gone") && /\d\d: |ended|gone|written|flush/.test(what)) continue;
            if (once.has("peer ended") && /\d\d: |ended/.test(what)) continue;
            if (what === "gone" || what === "peer ended") once.add(what);
            outcomes.push(...scene.play(what).split(", ").filter((part) => part !== ""));
          }
          const count = (pattern: RegExp) => outcomes.filter((outcome) => pattern.test(outcome)).length;
          const ends = count(/^(close|error) /);
          const all = outcomes.join(", ");
          assertEquals([ends, count(/^gone$/), clock.timers, count(/internal/)], [1, 1, 0, 0], all);
          assertEquals(
            [count(/^shutdown$/) <= 1, count(/^destroy$/) <= 1],
            [true, true],
            outcomes.join(", "),
          );
          // Nothing is written to a stream that is ended, freed or gone; at most one Close is.
          const last = outcomes.findIndex((outcome) => /^(shutdown|destroy|gone)$/.test(outcome));
          const late = outcomes.slice(last).filter((outcome) => /^[0-9a-f]{2}( |$)/.test(outcome));
          assertEquals(late, [], all);
          assertEquals(count(/^88( |$)/) <= 1, true, all);
        }),
    ),
    { numRuns: 2_000 },
  ));
