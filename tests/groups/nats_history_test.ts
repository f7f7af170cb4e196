/**
 * Histories in JetStream: what is particular to them.
 *
 * @module
 */

import { assert, assertEquals, assertMatch, assertRejects } from "#std/assert";
import { test } from "node:test";
import { Groups, type GroupsErrorContext } from "../../lib/groups/mod.ts";
import { NatsHistory } from "../../lib/groups/brokers/nats/history.ts";
import { connectBroker } from "../support/broker_clients.ts";
import { BrokerServer } from "../support/brokers.ts";
import { requires } from "../support/requires.ts";
import { sleep } from "../support/serving.ts";
import { Member } from "./member.ts";

const LIMITS = { messages: 10, bytes: 1_000, age: 60_000 };
const [encoder, decoder] = [new TextEncoder(), new TextDecoder()];

const USERS = 'authorization { users: [{ user: "guest", password: "guest"';

for (
  const [why, config, reason] of [
    [
      "an account without JetStream",
      'accounts { plain { users: [{ user: "guest", password: "guest" }] } }',
      /JetStream not enabled/,
    ],
    [
      "a user who may not use JetStream",
      `${USERS}, permissions: { publish: { deny: ["$JS.API.>"] } } }] }`,
      /Permissions Violation/,
    ],
  ] as const
) {
  test(
    `nats: a history that is refused (${why}) is told once, and what is published is counted`,
    requires("nats-server"),
    async () => {
      const server = await BrokerServer.start("nats", { config });
      const { broker, end } = await connectBroker(server.url.replace("://", "://guest:guest@"));
      const told: { message: string; context: GroupsErrorContext }[] = [];
      const groups = new Groups({
        broker,
        history: {},
        timeout: 2_000,
        onError: (error, context) => told.push({ message: (error as Error).message, context }),
      });
      try {
        const member = new Member();
        const joined = await groups.join("room", member, { since: "oldest" });
        assertEquals(joined, { position: undefined, recovered: false, missed: undefined });
        await groups.publish("room", "to nobody");
        await sleep(1_200); // it is read again, and not reported again
        await groups.close();
        assertEquals(told.map(({ context }) => context), [
          { stage: "history", group: "room" },
          { stage: "publish", group: "room" },
        ]);
        for (const { message } of told) assertMatch(message, reason);
        assertEquals([groups.counts.lost, member.received], [1, []]);
      } finally {
        await groups.close();
        await end();
        await server.stop();
      }
    },
  );
}

test(
  "nats: processes that meet in a new group make one stream, and limits that change are set",
  requires("nats-server"),
  async () => {
    const server = await BrokerServer.start("nats");
    const clients = await Promise.all(Array.from({ length: 8 }, () => connectBroker(server.url)));
    for (const { broker } of clients) broker.open({ interrupted() {}, restored() {} });
    const histories = clients.map(({ broker }) => broker.history!);
    try {
      const pages = await Promise.all(histories.map((history) => history.read("g-room", LIMITS)));
      assertEquals(new Set(pages.map(({ position }) => position.epoch)).size, 1);
      for (const history of histories) await history.append("g-room", Uint8Array.of(1), LIMITS);
      assertEquals((await histories[0]!.read("g-room", LIMITS)).kept.map(({ offset }) => offset), [
        1,
        2,
        3,
        4,
        5,
        6,
        7,
        8,
      ]);
      // A process that starts with other limits sets them for all.
      const late = await connectBroker(server.url);
      clients.push(late);
      late.broker.open({ interrupted() {}, restored() {} });
      await late.broker.history!.append("g-room", Uint8Array.of(1), { ...LIMITS, messages: 3 });
      const { kept, position } = await histories[0]!.read("g-room", LIMITS);
      assertEquals([kept.map(({ offset }) => offset), position.epoch], [[7, 8, 9], pages[0]!.position.epoch]);
      // A message that is longer than all that may be kept has its number, and is not kept.
      await histories[0]!.append("g-room", new Uint8Array(10_000), LIMITS);
      const { kept: none, position: after } = await histories[1]!.read("g-room", LIMITS);
      assertEquals([none, after.offset], [[], 10]);
    } finally {
      for (const { broker, end } of clients) await broker.close().then(end);
      await server.stop();
    }
  },
);

/** Answers as JetStream does, and records what it was asked. */
function scripted(answers: Record<string, unknown>, asked: string[]): NatsHistory {
  const ask = (subject: string, payload: Uint8Array) => {
    const [verb = ""] = Object.keys(answers).filter((each) => subject.startsWith(`$JS.API.${each}`));
    asked.push(`${subject.replace("$JS.API.", "")} ${decoder.decode(payload)}`);
    return Promise.resolve({ data: encoder.encode(JSON.stringify(answers[verb] ?? {})) });
  };
  return new NatsHistory({ ask, prefix: "chat.", replicas: 1 });
}

test("nats: streams that are empty for long are deleted when one is made, and no others", async () => {
  const now = Date.now();
  const stream = (name: string, messages: number, idle: number, age = 1_000) => ({
    created: new Date(now - 10_000_000).toISOString(),
    config: { name, max_age: age * 1_000_000 },
    state: { messages, last_ts: new Date(now - idle).toISOString() },
  });
  const never = { ...stream("sluice-never", 0, 0), state: { messages: 0, last_ts: "0001-01-01T00:00:00Z" } };
  const streams = [
    stream("sluice-used", 0, 60_000),
    stream("sluice-full", 1, 1_000_000),
    stream("sluice-long", 0, 1_000_000, 500_000),
    stream("sluice-idle", 0, 1_000_000),
    never,
    stream("theirs", 0, 1_000_000),
  ];
  const asked: string[] = [];
  const history = scripted({
    "STREAM.NAMES": { streams: null },
    "STREAM.INFO": { config: {}, state: { first_seq: 0, last_seq: 0 } },
    "STREAM.LIST": { streams, total: streams.length },
  }, asked);
  await history.read("g-a", LIMITS);
  await history.read("g-b", LIMITS);
  await sleep(0);
  assertEquals(asked.filter((each) => /LIST|DELETE/.test(each)), [
    'STREAM.LIST {"subject":"chat.h.>","offset":0}',
    "STREAM.DELETE.sluice-idle ",
    "STREAM.DELETE.sluice-never ",
  ]);
});

test("nats: a subject that a stream of someone else has is told", async () => {
  const asked: string[] = [];
  const history = scripted({
    "STREAM.NAMES": { streams: ["theirs"] },
    "STREAM.CREATE": { error: { err_code: 10_065, description: "subjects overlap with an existing stream" } },
  }, asked);
  await assertRejects(
    () => history.append("g-a", Uint8Array.of(1), LIMITS),
    Error,
    "Cannot keep history: the broker refuses it (subjects overlap with an existing stream)",
  );
  assert(asked.every((each) => each.startsWith("STREAM.")), "Something was published");
});

test("nats: a stream that was just made elsewhere, and is not known yet or has no leader, is waited for", async () => {
  const settings = { max_msgs: 10, max_bytes: 1_814, max_age: 60_000_000_000, num_replicas: 3 };
  const infos = [
    { error: { err_code: 10_059, description: "stream not found" } },
    undefined, // as long as there is no leader nobody answers
    { config: settings },
    { config: settings, state: { first_seq: 0, last_seq: 0 } },
  ];
  const asked: string[] = [];
  const ask = (subject: string) => {
    asked.push(subject.replace("$JS.API.", ""));
    const answer = subject.endsWith("NAMES") ? { streams: ["sluice-made"] } : infos.shift();
    if (answer === undefined) return new Promise<never>(() => {});
    return Promise.resolve({ data: encoder.encode(JSON.stringify(answer)) });
  };
  const history = new NatsHistory({ ask, prefix: "chat.", replicas: 3 });
  assertEquals(await history.read("g-a", LIMITS), { position: { epoch: "made", offset: 0 }, kept: [] });
  assertEquals(asked.filter((each) => each !== "STREAM.INFO.sluice-made"), ["STREAM.NAMES"]);
});

test("nats: what is not answered, or by a cluster that elects a leader, is asked again, in its place", async () => {
  const away = { error: { err_code: 10_008, description: "JetStream system temporarily unavailable" } };
  const answers: Record<string, unknown[]> = {
    "STREAM.NAMES": [undefined, { streams: null }],
    "STREAM.CREATE": [away, {}],
    "STREAM.INFO": [{ config: {} }],
    "STREAM.LIST": [{ streams: null }],
  };
  const asked: string[] = [];
  const ask = (subject: string, payload: Uint8Array) => {
    asked.push(`${subject} ${decoder.decode(payload)}`);
    const [, verb] = /^\$JS\.API\.(STREAM\.[A-Z]+)/.exec(subject) ?? [];
    const answer = verb === undefined ? {} : answers[verb]!.shift();
    if (answer === undefined) return new Promise<never>(() => {});
    return Promise.resolve({ data: encoder.encode(JSON.stringify(answer)) });
  };
  const history = new NatsHistory({ ask, prefix: "chat.", replicas: 1 });
  // What is appended meanwhile waits, and is appended once and in order.
  await Promise.all(["1", "2"].map((text) => history.append("g-a", encoder.encode(text), LIMITS)));
  assertEquals(asked.filter((each) => each.startsWith("chat.")), ["chat.h.g-a 1", "chat.h.g-a 2"]);
  const [first, second, ...more] = asked.filter((each) => each.includes("STREAM.CREATE"));
  assertEquals([second, more], [first, []]);
});

test("nats: a cluster that finds no leader is told after some seconds", async () => {
  const away = { error: { err_code: 10_008, description: "JetStream system temporarily unavailable" } };
  const asked: string[] = [];
  await assertRejects(
    () => scripted({ "STREAM.NAMES": away }, asked).append("g-a", Uint8Array.of(1), LIMITS),
    Error,
    "Cannot keep history: the broker refuses it (JetStream system temporarily unavailable)",
  );
  assertEquals(asked.length, 5);
});

test("nats: what the server that answers does not have yet is read at the leader", async () => {
  const settings = { max_msgs: 10, max_bytes: 1_814, max_age: 60_000_000_000, num_replicas: 3 };
  const time = new Date().toISOString();
  const ask = (subject: string, payload: Uint8Array) => {
    const [, verb = ""] = /^\$JS\.API\.([A-Z.]+)\b/.exec(subject) ?? [];
    const { seq } = payload.length === 0 ? { seq: 0 } : JSON.parse(decoder.decode(payload));
    if (verb.startsWith("DIRECT")) {
      const headers = { code: seq === 2 ? 404 : 0, get: () => time };
      return Promise.resolve({ data: encoder.encode("direct"), headers });
    }
    const answer = verb.startsWith("STREAM.NAMES")
      ? { streams: ["sluice-made"] }
      : verb.startsWith("STREAM.MSG")
      ? { message: { seq, data: btoa("from the leader"), time } }
      : { config: settings, state: { first_seq: 1, last_seq: 2 } };
    return Promise.resolve({ data: encoder.encode(JSON.stringify(answer)) });
  };
  const history = new NatsHistory({ ask, prefix: "chat.", replicas: 3 });
  const { kept } = await history.read("g-a", LIMITS);
  assertEquals(kept.map(({ offset, payload }) => [offset, decoder.decode(payload)]), [
    [1, "direct"],
    [2, "from the leader"],
  ]);
});
