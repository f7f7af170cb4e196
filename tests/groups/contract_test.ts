/**
 * What groups promise across processes, whatever carries their messages.
 *
 * @module
 */

import { assert, assertEquals } from "#std/assert";
import { test } from "node:test";
import type { Message } from "../../mod.ts";
import { channelOf } from "../../lib/groups/names.ts";
import { sleep, until } from "../support/serving.ts";
import { type Layer, layers, TTL } from "./layers.ts";
import { Member } from "./member.ts";

const MESSAGES: readonly Message[] = [
  "",
  "text",
  "\ufeffgrüße \u{1f600}\0",
  new Uint8Array(0),
  Uint8Array.of(0),
  Uint8Array.of(0xff, 0xfe, 0x0d, 0x0a, 0),
  new Uint8Array(1_000).map((_, i) => i * 7),
];

const NAMES = [
  "",
  "a",
  "A",
  "a.b",
  "a.*",
  "a.>",
  ">",
  "*",
  "a b",
  "a\r\nPUB x",
  "__proto__",
  "ü",
  "=",
  "\ud800",
  "\ud801",
];

const contract: Record<string, (layer: Layer) => Promise<void>> = {
  "a message reaches every member in every process once, as it was": async ({ start }) => {
    const processes = [await start(), await start(), await start()] as const;
    const members = [new Member(), new Member(), new Member(), new Member()] as const;
    await processes[0].groups.join("room", members[0]);
    await processes[1].groups.join("room", members[1]);
    await processes[1].groups.join("room", members[2]);
    await processes[2].groups.join("elsewhere", members[3]);
    for (const message of MESSAGES) await processes[0].groups.publish("room", message);
    // What one publishes may overtake what another does.
    await until(() =>
      members[1].received.length === MESSAGES.length && members[2].received.length === MESSAGES.length
    );
    await processes[2].groups.publish("room", "from a process without a member");
    const all = [...MESSAGES, "from a process without a member"];
    await until(() => members[0].received.length === all.length && members[2].received.length === all.length);
    await processes[1].groups.publish("room", "last", { except: members[1] });
    await until(() =>
      members[0].received.length === all.length + 1 && members[1].received.length === all.length
    );
    await sleep(50);
    assertEquals(members.map(({ received }) => received), [[...all, "last"], all, [...all, "last"], []]);
    assertEquals(processes.flatMap(({ reported }) => reported), []);
  },

  "names match exactly, whatever they mean to a broker": async ({ start }) => {
    const [here, there] = [await start(), await start()];
    const members = NAMES.map(() => new Member());
    for (const [i, name] of NAMES.entries()) await there.groups.join(name, members[i]!, { as: name });
    for (const [i, name] of NAMES.entries()) {
      await here.groups.publish(name, `to ${i}`);
      assertEquals(await here.groups.sendTo(name, `for ${i}`), { local: 0, forwarded: true });
    }
    await until(() => members.every(({ received }) => received.length === 2));
    await sleep(50);
    // A message to a group and one to a member of the same name go different ways, and may overtake each other.
    const received = members.map(({ received }) => received.toSorted());
    assertEquals(received, NAMES.map((_, i) => [`for ${i}`, `to ${i}`]));
  },

  "the order of each publisher is kept": async ({ start }) => {
    const [one, two, there] = [await start(), await start(), await start()];
    const member = new Member();
    await there.groups.join("room", member);
    for (let i = 0; i < 1_000; i++) {
      one.groups.publish("room", `one ${i}`);
      two.groups.publish("room", `two ${i}`);
      if (i % 100 === 0) await sleep(0);
    }
    await until(() => member.received.length === 2_000);
    for (const from of ["one", "two"]) {
      const own = member.received.filter((message) => `${message}`.startsWith(from));
      assertEquals(own, Array.from({ length: 1_000 }, (_, i) => `${from} ${i}`));
    }
  },

  "a process hears only of the groups that it has members of": async ({ start }) => {
    const [here, there] = [await start(), await start()];
    // One channel more is for what goes to everyone.
    const log: string[] = [];
    const { subscribe, unsubscribe } = there.broker;
    there.broker.subscribe = (channel, deliver) => {
      log.push(`+${channel}`);
      return subscribe.call(there.broker, channel, (payload) => {
        log.push(channel);
        deliver(payload);
      });
    };
    there.broker.unsubscribe = (channel) => {
      log.push(`-${channel}`);
      return unsubscribe.call(there.broker, channel);
    };
    const [a, b] = [new Member(), new Member()];
    await there.groups.join("room", a);
    await there.groups.join("room", b);
    await here.groups.publish("other", "1");
    await here.groups.publish("room", "2");
    await until(() => b.received.length === 1);
    there.groups.leave("room", a);
    there.groups.leave("room", b);
    await sleep(50);
    await here.groups.publish("room", "3");
    await sleep(50);
    await there.groups.join("room", a);
    await here.groups.publish("room", "4");
    await until(() => a.received.length === 2);
    assertEquals(log, ["+g-room", "+a-", "g-room", "-g-room", "-a-", "+g-room", "+a-", "g-room"]);
    assertEquals([a.received, b.received], [["2", "4"], ["2"]]);
  },

  "joining and leaving in haste ends as the last word was": async ({ start }) => {
    const [here, there] = [await start(), await start()];
    const [stays, goes] = [new Member(), new Member()];
    for (let i = 0; i < 100; i++) {
      there.groups.join("a", stays);
      there.groups.leave("a", stays);
      there.groups.join("b", goes);
      there.groups.leave("b", goes);
    }
    await there.groups.join("a", stays);
    await here.groups.publish("a", "1");
    await here.groups.publish("b", "2");
    await until(() => stays.received.length === 1);
    await sleep(50);
    assertEquals([stays.received, goes.received], [["1"], []]);
  },

  "a member is found by its name, in whichever process": async ({ start }) => {
    const [here, there] = [await start(), await start()];
    const [phone, laptop, other] = [new Member(), new Member(), new Member()];
    await here.groups.join("a", phone, { as: "ann" });
    await there.groups.join("b", laptop, { as: "ann" });
    await there.groups.join("b", other, { as: "bob" });
    assertEquals(await here.groups.sendTo("ann", "1"), { local: 1, forwarded: true });
    assertEquals(await here.groups.sendTo("bob", "2"), { local: 0, forwarded: true });
    await until(() => other.received.length === 1 && laptop.received.length === 1);
    assertEquals([phone.received, laptop.received, other.received], [["1"], ["1"], ["2"]]);
  },

  "presence tells who is in a group, across processes": async ({ start }) => {
    const [here, there] = [await start(), await start()];
    const [a, b, c, d] = [new Member(), new Member(), new Member(), new Member()];
    here.groups.join("room", a, { as: "ann" });
    here.groups.join("room", new Member());
    there.groups.join("room", b, { as: "bob" });
    there.groups.join("room", c, { as: "ann" });
    there.groups.join("elsewhere", d, { as: "dot" });
    await untilPresent(here, "room", { size: 3, names: ["ann", "bob"] });
    await untilPresent(there, "room", { size: 3, names: ["ann", "bob"] });
    there.groups.leave("room", b);
    await untilPresent(here, "room", { size: 2, names: ["ann"] });
    await there.groups.join("room", c, { as: "cat" });
    await untilPresent(here, "room", { size: 2, names: ["ann", "cat"] });
    // Longer than an entry lives: it is kept alive.
    await sleep(TTL * 1.5);
    await untilPresent(here, "room", { size: 2, names: ["ann", "cat"] }, 1);
    await there.groups.close();
    await untilPresent(here, "room", { size: 1, names: ["ann"] });
    assertEquals(await here.groups.presence("elsewhere"), { size: 0, names: [] });
    assertEquals([here, there].flatMap(({ reported }) => reported), []);
  },

  "a process that starts later learns who is there, with what they told of themselves": async ({ start }) => {
    const here = await start();
    const members = Array.from(
      { length: 2_000 },
      (_, i) => [`member ${i}`, { seat: i, note: "x".repeat(40) }] as const,
    );
    for (const [as, info] of members) here.groups.join("room", new Member(), { as, info });
    const witness = await start();
    await untilPresent(witness, "room", { size: 2_000, names: members.map(([as]) => as).sort() });
    const late = await start();
    const present = await late.groups.presence.members("room");
    assertEquals(present.map(({ name, info }) => [name, info]), members.map(([as, info]) => [as, info]));
    assertEquals((await late.groups.presence("room")).size, 2_000);
  },

  "nobody is present for groups that are closed": async ({ start }) => {
    const [here, there] = [await start(), await start()];
    await here.groups.join("room", new Member(), { as: "ann" });
    const watching = there.groups.presence.watch("room");
    assertEquals((await watching.next()).value?.name, "ann");
    await there.groups.close();
    assertEquals(await there.groups.presence("room"), { size: 0, names: [] });
    assertEquals(await there.groups.presence.watch("room").next(), { done: true, value: undefined });
  },

  "whoever watches a group is told who comes, changes and leaves, across processes": async ({ start }) => {
    const [here, there] = [await start(), await start()];
    const [phone, laptop, bob] = [new Member(), new Member(), new Member()];
    here.groups.join("room", phone, { as: "ann", info: { mood: "fine" } });
    const seen: string[] = [];
    const watching = (async () => {
      for await (const { type, name, info } of there.groups.presence.watch("room")) {
        seen.push(`${name} ${type} ${JSON.stringify(info)}`);
      }
    })();
    await until(() => seen.length === 1);
    await there.groups.join("room", bob, { as: "bob" });
    await until(() => seen.length === 2);
    here.groups.join("room", laptop, { as: "ann", info: { mood: "busy" } });
    await until(() => seen.length === 3);
    here.groups.leave("room", laptop);
    await until(() => seen.length === 4);
    here.groups.leave("room", phone);
    await until(() => seen.length === 5);
    bob.end();
    await until(() => seen.length === 6);
    here.groups.join("room", phone, { as: "cat" });
    await until(() => seen.length === 7);
    await here.groups.close();
    await until(() => seen.length === 8);
    assertEquals(seen, [
      'ann came {"mood":"fine"}',
      "bob came undefined",
      'ann changed {"mood":"busy"}',
      'ann changed {"mood":"fine"}',
      'ann left {"mood":"fine"}',
      "bob left undefined",
      "cat came undefined",
      "cat left undefined",
    ]);
    await there.groups.close();
    await watching;
  },

  "members of other processes are disconnected, and taken out of a group, by their name": async (
    { start },
  ) => {
    const [here, there] = [await start(), await start()];
    const [near, far, other] = [new Member(), new Member(), new Member()];
    await here.groups.join("room", near, { as: "ann" });
    await there.groups.join("room", far, { as: "ann" });
    await there.groups.join("room", other, { as: "bob" });
    assertEquals(await here.groups.removeFrom("room", "bob"), { local: 0, forwarded: true });
    await until(() => !there.groups.members("room").has(other));
    assertEquals(other.closes, []);
    const told = await here.groups.disconnect("ann", { closeCode: 4001, reason: "Signed in elsewhere" });
    assertEquals(told, { local: 1, forwarded: true });
    await until(() => far.closes.length === 1);
    const expected = [{ closeCode: 4001, reason: "Signed in elsewhere" }];
    assertEquals([near.closes, far.closes, other.closes], [expected, expected, []]);
    assertEquals([here, there].flatMap(({ reported, groups }) => [...reported, groups.counts.malformed]), [
      0,
      0,
    ]);
  },

  "a message to several groups comes once to whoever is in some of them, in every process": async (
    { start },
  ) => {
    const [here, there] = [await start(), await start()];
    const joined: [Member, groups: string[]][] = [];
    for (const { groups } of [here, there]) {
      for (const list of [["a"], ["b"], ["a", "b"], ["c", "b", "a"], ["d"]]) {
        const member = new Member();
        joined.push([member, list]);
        for (const group of list) await groups.join(group, member);
      }
    }
    const meant = joined.filter(([, list]) => list[0] !== "d").map(([member]) => member);
    for (let i = 0; i < 20; i++) await here.groups.publish(["a", "b", "a", "c", "nobody's"], `${i}`);
    await here.groups.publish("b", "to b alone");
    await here.groups.publish([], "to none");
    const numbers = Array.from({ length: 20 }, (_, i) => `${i}`);
    const inB = joined.filter(([, list]) => list.includes("b")).map(([member]) => member);
    await until(() => inB.every(({ received }) => received.length >= 21));
    await until(() => meant.every(({ received }) => received.length >= 20));
    await sleep(50);
    for (const [member, list] of joined) {
      const expected = list.includes("b") ? [...numbers, "to b alone"] : list.includes("a") ? numbers : [];
      // What goes to different groups may come in another order.
      assertEquals(member.received.toSorted(), expected.toSorted());
      const own = member.received.filter((text) => text !== "to b alone");
      assertEquals(own, own.toSorted((a, b) => Number(a) - Number(b)));
    }
    assertEquals([here, there].flatMap(({ reported, groups }) => [...reported, groups.counts.missed]), [
      0,
      0,
    ]);
  },

  "whoever changes groups between the copies of a message gets it once": async ({ start }) => {
    const [here, there] = [await start(), await start()];
    const [moves, stays] = [new Member(), new Member()];
    await there.groups.join("a", moves);
    await there.groups.join("b", stays);
    const { publish } = here.broker;
    const held: (() => Promise<void>)[] = [];
    here.broker.publish = (channel, payload) => {
      if (channel !== channelOf("group", "b")) return publish.call(here.broker, channel, payload);
      held.push(() => publish.call(here.broker, channel, payload));
      return Promise.resolve();
    };
    await here.groups.publish(["a", "b"], "once");
    await until(() => moves.received.length === 1);
    there.groups.leave("a", moves);
    await there.groups.join("b", moves);
    for (const release of held) await release();
    await until(() => stays.received.length === 1);
    await sleep(20);
    assertEquals([moves.received, stays.received], [["once"], ["once"]]);
  },

  "a message to everyone comes once to all that are in a group, in every process": async ({ start }) => {
    const [here, there, idle] = [await start(), await start(), await start()];
    const members = [new Member(), new Member(), new Member(), new Member()] as const;
    await here.groups.join("a", members[0]);
    await here.groups.join("b", members[0]);
    await there.groups.join("b", members[1]);
    await there.groups.join("c", members[2]);
    // A group whose name looks like everyone's is one like any other.
    for (const name of ["", "a-", "all", "*"]) await there.groups.join(name, members[3], { as: "ann" });
    await idle.groups.broadcast("1");
    await until(() => members.every(({ received }) => received.length === 1));
    await here.groups.broadcast(Uint8Array.of(2), { except: members[0] });
    await until(() => members.slice(1).every(({ received }) => received.length === 2));
    await here.groups.broadcast("3", { except: ["ann"] });
    await until(() => members.slice(0, 3).every(({ received }) => received.at(-1) === "3"));
    there.groups.leave("c", members[2]);
    await here.groups.broadcast("4");
    await until(() => members[3].received.length === 3);
    await sleep(20);
    const bytes = Uint8Array.of(2);
    assertEquals(members.map(({ received }) => received), [
      ["1", "3", "4"],
      ["1", bytes, "3", "4"],
      ["1", bytes, "3"],
      ["1", bytes, "4"],
    ]);
    assertEquals([here, there, idle].flatMap(({ reported }) => reported), []);
  },

  "what went to everyone and did not arrive is counted": async ({ start }) => {
    const [here, there] = [await start(), await start()];
    const member = new Member();
    await there.groups.join("room", member);
    const { publish } = here.broker;
    await here.groups.broadcast("first");
    here.broker.publish = () => Promise.resolve();
    await here.groups.broadcast("lost on the way");
    here.broker.publish = publish;
    await here.groups.broadcast("last");
    await until(() => member.received.length === 2);
    assertEquals(there.reported.map(({ context }) => context), [{ stage: "subscribe", missed: 1 }]);
  },

  "connections of other processes are excepted by their name or their id": async ({ start }) => {
    const [here, there] = [await start(), await start()];
    const [author, phone, laptop, bob, nameless] = [
      new Member(),
      new Member(),
      new Member(),
      new Member(),
      new Member(),
    ];
    const all = [author, phone, laptop, bob, nameless];
    await here.groups.join("room", author, { as: "ann" });
    await there.groups.join("room", phone, { as: "ann", info: { device: "phone" } });
    await there.groups.join("room", laptop, { as: "ann", info: { device: "laptop" } });
    await there.groups.join("room", bob, { as: "bob" });
    await there.groups.join("room", nameless);
    await untilPresent(here, "room", { size: 4, names: ["ann", "bob"] });
    const present = await here.groups.presence.members("room");
    const devices = present.map(({ info }) => (info as { device: string } | undefined)?.device);
    const onPhone = present[devices.indexOf("phone")]!;
    const id = there.groups.idOf(nameless)!;
    const { groups } = here;
    await groups.publish("room", "not to ann", { except: "ann" });
    await groups.publish("room", "not to her phone", { except: onPhone });
    await groups.publish("room", "not to the nameless", { except: { id } });
    await groups.publish("room", "not to her phone and bob", { except: [author, onPhone, "bob"] });
    await groups.publish(["room", "elsewhere"], "not to me", { except: { id: groups.idOf(author)! } });
    await groups.publish("room", "to all", { except: ["nobody", { id: "nobody.1" }] });
    await until(() => all.every(({ received }) => received.at(-1) === "to all"));
    await sleep(20);
    assertEquals(all.map(({ received }) => received.map((text) => `${text}`.replace("not to ", ""))), [
      ["her phone", "the nameless", "to all"],
      ["the nameless", "me", "to all"],
      ["her phone", "the nameless", "her phone and bob", "me", "to all"],
      ["ann", "her phone", "the nameless", "me", "to all"],
      ["ann", "her phone", "her phone and bob", "me", "to all"],
    ]);
    assertEquals([here, there].flatMap(({ reported, groups }) => [...reported, groups.counts.malformed]), [
      0,
      0,
    ]);
  },

  "members are listed with ids that tell them apart everywhere, and with their connections here": async (
    { start },
  ) => {
    const [here, there] = [await start(), await start()];
    const [near, far] = [new Member(), new Member()];
    assertEquals(here.groups.idOf(near), undefined);
    await here.groups.join("room", near, { as: "ann", info: 1 });
    await there.groups.join("room", far, { as: "ann", info: 2 });
    await there.groups.join("other", far, { as: "ann" });
    await untilPresent(here, "room", { size: 2, names: ["ann"] });
    await untilPresent(there, "room", { size: 2, names: ["ann"] });
    const [nearId, farId] = [here.groups.idOf(near)!, there.groups.idOf(far)!];
    assert(nearId !== farId);
    assertEquals(await here.groups.presence.members("room"), [
      { name: "ann", info: 1, id: nearId, connection: near },
      { name: "ann", info: 2, id: farId, connection: undefined },
    ]);
    assertEquals(await there.groups.presence.members("room"), [
      { name: "ann", info: 2, id: farId, connection: far },
      { name: "ann", info: 1, id: nearId, connection: undefined },
    ]);
    // It is the connection's, whichever group it is in.
    assertEquals((await there.groups.presence.members("other"))[0]!.id, farId);
    there.groups.leave("room", far);
    await there.groups.join("room", far, { as: "ann" });
    assertEquals(there.groups.idOf(far), farId);
  },

  "what is no message is counted and ignored": async ({ start }) => {
    const [here, there] = [await start(), await start()];
    const member = new Member();
    await there.groups.join("room", member);
    const whole = await captureEnvelope(here, "room");
    await until(() => member.received.length === 1);
    const wrong = [
      new Uint8Array(0),
      whole.subarray(0, 24),
      ...Array.from({ length: 5 }, (_, i) => whole.map((byte, at) => at === i ? byte ^ 0x80 : byte)),
      // Text that is no UTF-8.
      Uint8Array.of(...whole, 0xff),
    ];
    for (let i = 0; i < 1_000; i++) wrong.push(crypto.getRandomValues(new Uint8Array(i % 100)));
    for (const payload of wrong) await here.broker.publish(channelOf("group", "room"), payload.slice());
    await here.groups.publish("room", "good");
    await until(() => member.received.length === 2);
    assertEquals(member.received, ["first", "good"]);
    assertEquals(there.groups.counts, { dropped: 0, closed: 0, lost: 0, missed: 0, malformed: wrong.length });
    assertEquals(there.reported, []);
  },

  "what is on its way to the broker is bounded; what would be more is lost, and reported": async (
    { start },
  ) => {
    const [here, there] = [await start({ maxPending: 1_000 }), await start()];
    const [near, far] = [new Member(), new Member()];
    await here.groups.join("room", near);
    await there.groups.join("room", far);
    const message = "x".repeat(100);
    const published = Array.from({ length: 20 }, () => here.groups.publish("room", message));
    await Promise.all(published);
    await until(() => far.received.length === 10);
    await sleep(50);
    assertEquals([near.received.length, far.received.length, here.groups.counts.lost], [20, 10, 10]);
    assertEquals(here.reported.map(({ error, context }) => [(error as { code: string }).code, context]), [
      ...Array(10).fill(["broker-full", { stage: "publish", group: "room" }]),
    ]);
    await here.groups.publish("room", "x".repeat(2_000));
    await until(() => far.received.length === 11);
    // The others notice what is missing by the message after it.
    assertEquals(there.groups.counts.missed, 10);
    assertEquals(there.reported.map(({ error, context }) => [(error as { code: string }).code, context]), [
      ["missed", { stage: "subscribe", group: "room", missed: 10 }],
    ]);
  },

  "what did not arrive is counted by whoever missed it, for each sender and group": async ({ start }) => {
    const [one, two, there] = [await start(), await start(), await start()];
    const [a, b] = [new Member(), new Member()];
    await there.groups.join("a", a, { as: "ann" });
    await there.groups.join("b", b);
    const { publish } = one.broker;
    let losing = false;
    one.broker.publish = (channel, payload) =>
      losing ? Promise.resolve() : publish.call(one.broker, channel, payload);
    const tellAll = async (text: string) => {
      for (const { groups } of [one, two]) {
        await groups.publish("a", text);
        await groups.publish("b", text);
        await groups.sendTo("ann", text);
      }
    };
    await tellAll("first");
    losing = true;
    for (let i = 0; i < 3; i++) await one.groups.publish("a", "lost on the way");
    await one.groups.sendTo("ann", "lost on the way");
    losing = false;
    await tellAll("last");
    await until(() => a.received.length === 8 && b.received.length === 4);
    assertEquals(there.groups.counts.missed, 4);
    // Channels may overtake each other.
    const reported = there.reported.map(({ context }) => context).sort((a, b) => b.missed! - a.missed!);
    assertEquals(reported, [
      { stage: "subscribe", group: "a", missed: 3 },
      { stage: "subscribe", member: "ann", missed: 1 },
    ]);
    // What is published while nobody here is a member is not missed.
    there.groups.leave("a", a);
    await sleep(50);
    await one.groups.publish("a", "to nobody there");
    await there.groups.join("a", a);
    await one.groups.publish("a", "again");
    await until(() => a.received.at(-1) === "again");
    assertEquals([there.groups.counts.missed, one.groups.counts.missed, two.groups.counts.missed], [4, 0, 0]);
  },

  "closed groups hear and say nothing more": async ({ start }) => {
    const [here, there] = [await start(), await start()];
    const [a, b] = [new Member(), new Member()];
    await here.groups.join("room", a);
    await there.groups.join("room", b);
    await there.groups.close();
    await there.groups.publish("room", "1");
    assertEquals(await there.groups.sendTo("ann", "2"), { local: 0, forwarded: false });
    await here.groups.publish("room", "3");
    await sleep(50);
    assertEquals([a.received, b.received], [["3"], []]);
    assert(there.reported.length === 0);
  },
};

for (const { name, options, run } of layers) {
  for (const [promise, check] of Object.entries(contract)) {
    test(`groups over ${name}: ${promise}`, options, () => run(check));
  }
}

/** Waits until a process is told that exactly these are there. */
async function untilPresent(
  { groups }: Awaited<ReturnType<Layer["start"]>>,
  group: string,
  wanted: { size: number; names: string[] },
  attempts = 200,
): Promise<void> {
  let seen;
  for (let i = 0; i < attempts; i++) {
    seen = await groups.presence(group);
    if (JSON.stringify(seen) === JSON.stringify(wanted)) return;
    await sleep(20);
  }
  assertEquals(seen, wanted);
}

/** Publishes a message, and returns what went to the broker. */
async function captureEnvelope(
  { groups, broker }: Awaited<ReturnType<Layer["start"]>>,
  group: string,
): Promise<Uint8Array> {
  const { publish } = broker;
  let captured = new Uint8Array(0);
  broker.publish = (channel, payload) => {
    captured = payload.slice();
    return publish.call(broker, channel, payload);
  };
  await groups.publish(group, "first");
  broker.publish = publish;
  return captured;
}
