import { test } from "node:test";
import { assert, assertEquals, assertRejects } from "#std/assert";
import { type Broker, Groups, type GroupsErrorContext, MemoryHub } from "../../lib/groups/mod.ts";
import { TimeLimit } from "../../lib/groups/time_limit.ts";
import { sleep, until } from "../support/serving.ts";
import { Member } from "./member.ts";

const NEVER = new Promise<never>(() => {});

/** A broker that takes what it is asked for and does not answer. */
function frozenBroker(): Broker {
  return {
    open() {},
    publish: () => NEVER,
    subscribe: () => NEVER,
    unsubscribe: () => NEVER,
    close: () => NEVER,
  };
}

test("a broker that does not answer: each call ends within the limit, and the error names it", async () => {
  const reported: [message: string, context: GroupsErrorContext][] = [];
  const groups = new Groups({
    broker: frozenBroker(),
    timeout: 50,
    onError: (error, context) => reported.push([(error as Error).message, context]),
  });
  const member = new Member();
  await groups.join("room", member, { as: "ann" });
  assertEquals(await groups.sendTo("bob", "hello"), { local: 0, forwarded: false });
  assertEquals(await groups.presence("room"), { size: 1, names: ["ann"] });
  await groups.publish("room", "to those who are here");
  assertEquals(member.received, ["to those who are here"]);
  await groups.close();
  const late = "the broker did not answer within 50 ms";
  const told = reported.map(([message, { stage }]) => `${stage}: ${message}`);
  for (
    const expected of [
      `subscribe: Cannot join group: ${late}`,
      `subscribe: Cannot join member: ${late}`,
      `publish: Cannot publish message: ${late}`,
      `presence: Cannot ask who is present: ${late}`,
      `presence: Cannot tell other processes: ${late}`,
      `close: Cannot close: ${late}`,
    ]
  ) assert(told.includes(expected), `${expected} is not among ${told.join("; ")}`);
  assertEquals(groups.counts.lost, 2);
});

test("a broker that does not answer: with a history, too, each call ends within the limit", async () => {
  const reported: [message: string, context: GroupsErrorContext][] = [];
  const groups = new Groups({
    broker: { ...frozenBroker(), history: { append: () => NEVER, read: () => NEVER } },
    history: {},
    timeout: 50,
    onError: (error, context) => reported.push([(error as Error).message, context]),
  });
  const members = [new Member(), new Member()];
  const unknown = { position: undefined, recovered: false, missed: undefined };
  assertEquals(await groups.join("room", members[0]!, { since: "oldest" }), unknown);
  assertEquals(await groups.join("room", members[1]!), { ...unknown, recovered: true, missed: 0 });
  await groups.publish("room", "to nobody");
  await until(() => reported.some(([, { stage }]) => stage === "history"));
  await groups.close();
  const told = new Set(reported.map(([message, { stage }]) => `${stage}: ${message}`));
  for (
    const expected of [
      "subscribe: Cannot join group: the broker did not answer within 50 ms",
      "history: Cannot read history: the broker did not answer within 50 ms",
      "publish: Cannot publish message: the broker did not answer within 50 ms",
    ]
  ) assert(told.has(expected), `${expected} is not among ${[...told].join("; ")}`);
  assertEquals([groups.counts.lost, members.flatMap(({ received }) => received)], [1, []]);
});

test("a promise that settles in time is as it was, and leaves no timer", async () => {
  const limit = new TimeLimit(60_000); // a timer that was left would hold Node for a minute
  assertEquals(await limit.wait(Promise.resolve(1), "do it"), 1);
  await assertRejects(() => limit.wait(Promise.reject(new RangeError("no")), "do it"), RangeError, "no");
});

test("each promise has the whole limit, whenever the wait began", async () => {
  const limit = new TimeLimit(100);
  const order: string[] = [];
  const wait = (name: string) => limit.wait(NEVER, name).catch(() => order.push(name));
  const first = wait("first");
  await sleep(50);
  const second = wait("second");
  const start = performance.now();
  await first;
  assertEquals(order, ["first"]);
  await second;
  assert(performance.now() - start >= 95);
});

test("groups that are closed wait for what was published just before", async () => {
  const hub = new MemoryHub();
  const there = new Groups({ broker: hub.connect() });
  const slow = hub.connect();
  const publish = slow.publish.bind(slow);
  slow.publish = async (channel, payload) => {
    await sleep(20);
    await publish(channel, payload);
  };
  const here = new Groups({ broker: slow });
  const member = new Member();
  await there.join("room", member);
  for (let i = 0; i < 20; i++) here.publish("room", `${i}`);
  await here.close();
  assertEquals([member.received.length, here.counts.lost], [20, 0]);
  await there.close();
});

test("joining again while the broker unsubscribes is answered when it has subscribed again", async () => {
  const hub = new MemoryHub();
  const far = hub.connect();
  const [subscribe, unsubscribe] = [far.subscribe.bind(far), far.unsubscribe.bind(far)];
  far.subscribe = async (channel, deliver) => {
    await sleep(3);
    await subscribe(channel, deliver);
  };
  far.unsubscribe = async (channel) => {
    await unsubscribe(channel); // the broker acts at once, and its answer is on its way
    await sleep(3);
  };
  const [here, there] = [new Groups({ broker: hub.connect() }), new Groups({ broker: far })];
  const member = new Member();
  await there.join("room", member, { as: "ann" });
  const sent: string[] = [];
  for (let i = 0; i < 100; i++) {
    there.leave("room", member);
    await there.join("room", member, { as: "ann" });
    sent.push(`room ${i}`, `ann ${i}`);
    await here.publish("room", `room ${i}`);
    await here.sendTo("ann", `ann ${i}`);
  }
  await sleep(10);
  assertEquals(member.received, sent);
  await Promise.all([here.close(), there.close()]);
});
