import { test } from "node:test";
import { assertEquals } from "#std/assert";
import { Keepalive, type Traffic } from "../../lib/connection/keepalive.ts";

/** What happens to a connection: bytes come, the peer reads, or what the connection is doing changes. */
type Happening = "heard" | "progressed" | "progressedLate" | Partial<Traffic>;

interface Row {
  readonly name: string;
  readonly interval: number;
  readonly timeout: number;
  readonly until: number;
  readonly happenings?: readonly (readonly [time: number, what: Happening])[];
  /** What is done, and when. */
  readonly acts: readonly string[];
}

/** Every so often, from one time to another. */
function every(step: number, from: number, to: number, what: Happening): [number, Happening][] {
  return Array.from({ length: Math.floor((to - from) / step) + 1 }, (_, i) => [from + i * step, what]);
}

const times = (from: number, step: number, count: number) =>
  Array.from({ length: count }, (_, i) => `${from + i * step} ping`);

const rows: readonly Row[] = [
  {
    name: "a peer that is silent is pinged, then cut after the timeout and a moment",
    interval: 100,
    timeout: 30,
    until: 1_000,
    acts: ["100 ping", "180 cut"],
  },
  {
    name: "a peer that answers in time is pinged every interval",
    interval: 100,
    timeout: 30,
    until: 450,
    happenings: every(100, 110, 410, "heard"),
    acts: times(100, 100, 4),
  },
  {
    name: "bytes before the Ping prove nothing about what comes after it",
    interval: 100,
    timeout: 30,
    until: 1_000,
    happenings: [[99, "heard"]],
    acts: ["100 ping", "180 cut"],
  },
  {
    name: "what comes in the last moment is in time",
    interval: 100,
    timeout: 30,
    until: 300,
    happenings: [[179, "heard"]],
    acts: ["100 ping", "250 ping"],
  },
  {
    name: "with a timeout longer than the interval Pings go out every interval, and it counts from the first",
    interval: 100,
    timeout: 450,
    until: 1_000,
    acts: [...times(100, 100, 5), "600 cut"],
  },
  {
    name: "it counts from the first that is not answered",
    interval: 100,
    timeout: 450,
    until: 2_000,
    happenings: [[210, "heard"]],
    acts: [...times(100, 100, 7), "800 cut"],
  },
  {
    name: "a timeout of two intervals has two Pings",
    interval: 100,
    timeout: 200,
    until: 1_000,
    acts: ["100 ping", "200 ping", "350 cut"],
  },
  {
    name: "without a timeout Pings go out every interval, whatever happens",
    interval: 100,
    timeout: Infinity,
    until: 500,
    happenings: [[150, "heard"], [250, { reading: false }], [350, { sending: true }]],
    acts: times(100, 100, 5),
  },
  {
    name: "a peer that something waits for to be sent has twelve timeouts",
    interval: 10,
    timeout: 10,
    until: 1_000,
    happenings: [[0, { sending: true }]],
    acts: ["10 ping", `${10 + 12 * 10 + 50} cut`],
  },
  {
    name: "so has one for which too much waited, though it is with the kernel now",
    interval: 10,
    timeout: 10,
    until: 1_000,
    happenings: [[5, "progressedLate"]],
    acts: ["10 ping", `${10 + 12 * 10 + 50} cut`],
  },
  {
    name: "a peer that was heard of since has read that, and has one",
    interval: 10,
    timeout: 10,
    until: 1_000,
    happenings: [[5, "progressedLate"], [6, "heard"]],
    acts: ["10 ping", "70 cut"],
  },
  {
    name: "a peer that reads what waits is alive, and has twelve from when it stops",
    interval: 10,
    timeout: 10,
    until: 1_000,
    happenings: [[0, { sending: true }], ...every(10, 15, 95, "progressed")],
    // With a timeout of one interval the next Ping goes out as soon as the last is answered.
    acts: [...times(10, 10, 10), `${100 + 12 * 10 + 50} cut`],
  },
  {
    name: "a new Ping has twelve timeouts again",
    interval: 10,
    timeout: 10,
    until: 1_000,
    happenings: [[0, { sending: true }], [115, "heard"]],
    acts: ["10 ping", "120 ping", `${120 + 12 * 10 + 50} cut`],
  },
  {
    name: "a peer that is not read from is pinged twice in each timeout, and is not dead",
    interval: 1_000,
    timeout: 20,
    until: 1_060,
    happenings: [[0, { reading: false }]],
    acts: ["1000 ping", "1020 ping", "1030 ping", "1040 ping", "1050 ping", "1060 ping"],
  },
  {
    name: "nor more often than every interval",
    interval: 30,
    timeout: 100,
    until: 250,
    happenings: [[0, { reading: false }]],
    acts: [...times(30, 30, 4), ...times(130, 30, 5)],
  },
  {
    name: "once it is read from again it has a moment to be heard",
    interval: 100,
    timeout: 20,
    until: 1_000,
    happenings: [[0, { reading: false }], [125, { reading: true }]],
    acts: ["100 ping", "120 ping", "180 cut"],
  },
  {
    name: "and is not dead if it is",
    interval: 100,
    timeout: 20,
    until: 300,
    happenings: [[0, { reading: false }], [125, { reading: true }], [140, "heard"]],
    acts: ["100 ping", "120 ping", "260 ping"],
  },
];

/** Asks when it is due, and lets happen what happens; returns what was done. */
function play({ interval, timeout, until, happenings = [] }: Row, start: number): string[] {
  const keepalive = new Keepalive({ interval, timeout }, start);
  const traffic = { reading: true, sending: false };
  const acts: string[] = [];
  const waiting = [...happenings];
  for (;;) {
    const due = keepalive.due - start;
    while (waiting.length > 0 && waiting[0]![0] < due) {
      const what = waiting.shift()![1];
      if (typeof what === "object") Object.assign(traffic, what);
      else keepalive[what]();
    }
    if (due > until) return acts;
    assertEquals(keepalive.at(start + due - 0.5, traffic), "nothing", "it was asked too early");
    assertEquals(keepalive.due - start, due, "and changed its mind");
    const act = keepalive.at(start + due, traffic);
    if (act !== "nothing") acts.push(`${due} ${act}`);
    if (act === "cut") return acts;
  }
}

for (const row of rows) {
  test(`keepalive: ${row.name}`, () => {
    for (const start of [0, 4_096]) assertEquals(play(row, start), row.acts);
  });
}

test("keepalive: a process that was stopped gives its peer a moment more before the verdict", () => {
  const keepalive = new Keepalive({ interval: 100, timeout: 30 }, 0);
  const traffic = { reading: true, sending: false };
  assertEquals(keepalive.at(100, traffic), "ping");
  assertEquals(keepalive.at(3_600_000, traffic), "nothing");
  assertEquals(keepalive.due > 3_600_000, true);
  keepalive.heard();
  assertEquals(keepalive.at(keepalive.due, traffic), "nothing");
});
