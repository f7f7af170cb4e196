/**
 * What groups with a history promise across processes, whatever keeps it.
 *
 * @module
 */

import { assert, assertEquals, assertThrows } from "#std/assert";
import { test } from "node:test";
import { Groups, type HistoryOptions, type Position } from "../../lib/groups/mod.ts";
import { channelOf } from "../../lib/groups/names.ts";
import { sleep, until } from "../support/serving.ts";
import { type Layer, layers, type Process } from "./layers.ts";
import { Member } from "./member.ts";

const HISTORY: HistoryOptions = { messages: 10_000, age: 60_000, bytes: 10_000_000 };

function startWith({ start }: Layer, history: HistoryOptions = {}): Promise<Process> {
  return start({ history: { ...HISTORY, ...history } });
}

function numbers(from: number, to: number): string[] {
  return Array.from({ length: to - from + 1 }, (_, i) => `${from + i}`);
}

function publishAll({ groups }: Process, texts: readonly string[]): void {
  for (const text of texts) groups.publish("room", text);
}

const contract: Record<string, (layer: Layer) => Promise<void>> = {
  "members of all processes get all messages in one order, their own process's too": async (layer) => {
    const processes = [await startWith(layer), await startWith(layer), await startWith(layer)];
    const members = processes.map(() => new Member());
    for (const [i, { groups }] of processes.entries()) await groups.join("room", members[i]!);
    for (let i = 0; i < 300; i++) {
      for (const [from, { groups }] of processes.entries()) groups.publish("room", `${from} ${i}`);
      if (i % 50 === 0) await sleep(0);
    }
    await until(() => members.every(({ received }) => received.length === 900));
    await sleep(20);
    assertEquals(members[1]!.received, members[0]!.received);
    assertEquals(members[2]!.received, members[0]!.received);
    for (const from of [0, 1, 2]) {
      const own = members[0]!.received.filter((message) => `${message}`.startsWith(`${from} `));
      assertEquals(own, Array.from({ length: 300 }, (_, i) => `${from} ${i}`));
    }
    assertEquals(processes.flatMap(({ reported, groups }) => [...reported, groups.counts.missed]), [0, 0, 0]);
  },

  "the connection that is excepted does not get the message, everyone else does": async (layer) => {
    const [here, there] = [await startWith(layer), await startWith(layer)];
    const [author, near, far] = [new Member(), new Member(), new Member()];
    await here.groups.join("room", author);
    await here.groups.join("room", near);
    await there.groups.join("room", far);
    for (const text of numbers(1, 20)) {
      here.groups.publish("room", text, Number(text) % 2 === 0 ? { except: author } : {});
    }
    await until(() => [near, far].every(({ received }) => received.length === 20));
    await until(() => author.received.length === 10);
    assertEquals(author.received, numbers(1, 20).filter((text) => Number(text) % 2 === 1));
    assertEquals([near.received, far.received], [numbers(1, 20), numbers(1, 20)]);
  },

  "a message to several groups is in the history of each, and comes once to whoever is in several": async (
    layer,
  ) => {
    const [here, there] = [await startWith(layer), await startWith(layer)];
    const members = [new Member(), new Member(), new Member(), new Member()] as const;
    const { subscribe } = there.broker;
    let arrived = 0;
    there.broker.subscribe = (channel, deliver) =>
      subscribe.call(there.broker, channel, (payload, position) => {
        // Of what is live, every third is lost, and read from the history of its group.
        if (position === undefined || ++arrived % 3 !== 0) deliver(payload, position);
      });
    for (const [i, { groups }] of [here, there].entries()) {
      await groups.join("a", members[i]!);
      await groups.join("b", members[i]!);
      await groups.join("b", members[i + 2]!);
    }
    for (const text of numbers(1, 50)) {
      here.groups.publish(["a", "b"], text);
      there.groups.publish(["b", "a"], `there ${text}`);
      if (Number(text) % 10 === 0) await sleep(1);
    }
    // What comes from there, and by way of the other group, is not in step with the last.
    const hasAll = ({ received }: Member) => received.filter((text) => text !== "the last").length >= 100;
    while (!members.every((member) => hasAll(member) && member.received.at(-1) === "the last")) {
      await here.groups.publish(["a", "b"], "the last");
      await sleep(10);
    }
    for (const { received } of members) {
      const once = received.filter((text) => text !== "the last");
      assertEquals(new Set(once).size, 100);
      assertEquals(once.length, 100);
      for (const own of [numbers(1, 50), numbers(1, 50).map((text) => `there ${text}`)]) {
        assertEquals(once.filter((text) => own.includes(`${text}`)), own);
      }
    }
    assertEquals([here, there].map(({ groups }) => groups.counts.missed), [0, 0]);
    for (const group of ["a", "b"]) {
      const back = new Member();
      assert((await there.groups.join(group, back, { since: "oldest" })).recovered);
      // Everyone has everything by way of one group or the other: this one may be behind, and its rest comes live.
      await until(() => hasAll(back));
      const kept = back.received.filter((text) => text !== "the last").map(String);
      assertEquals(
        kept.toSorted(),
        members[0].received.filter((text) => text !== "the last").map(String).toSorted(),
      );
    }
    // Whoever comes back to both gets what is in both once, and nothing of it again when it is live.
    const both = new Member();
    await there.groups.join("b", both, { since: "oldest" });
    const { recovered, position } = await there.groups.join("a", both, { since: "oldest" });
    assert(recovered && position!.offset >= 100);
    await sleep(20);
    assertEquals(both.received.filter((text) => text !== "the last").length, 100);
  },

  "whoever is excepted by name or id does not get the message, live or later": async (layer) => {
    const [here, there] = [await startWith(layer), await startWith(layer)];
    const [ann, bob, cat] = [new Member(), new Member(), new Member()];
    await here.groups.join("room", ann, { as: "ann" });
    await there.groups.join("room", bob, { as: "bob" });
    await there.groups.join("room", cat, { as: "cat" });
    here.groups.publish("room", "not to bob", { except: "bob" });
    here.groups.publish("room", "not to cat", { except: { id: there.groups.idOf(cat)! } });
    here.groups.publish("room", "not to ann", { except: ann });
    here.groups.publish("room", "to all");
    await until(() => [ann, bob, cat].every(({ received }) => received.at(-1) === "to all"));
    assertEquals(ann.received, ["not to bob", "not to cat", "to all"]);
    assertEquals(bob.received, ["not to cat", "not to ann", "to all"]);
    assertEquals(cat.received, ["not to bob", "not to ann", "to all"]);
    const back = new Member();
    const { recovered } = await here.groups.join("room", back, { as: "bob", since: "oldest" });
    assertEquals([back.received, recovered], [["not to cat", "not to ann", "to all"], true]);
    here.groups.leave("room", ann);
    await here.groups.join("room", ann, { since: "oldest" });
    assertEquals(ann.received.slice(3), ["not to bob", "not to cat", "to all"]);
  },

  "a message to everyone is in no history": async (layer) => {
    const [here, there] = [await startWith(layer), await startWith(layer)];
    const [near, far, back] = [new Member(), new Member(), new Member()];
    await here.groups.join("room", near);
    await there.groups.join("room", far);
    await here.groups.broadcast("to everyone");
    await until(() => near.received.length === 1 && far.received.length === 1);
    const { position } = await there.groups.join("room", back, { since: "oldest" });
    assertEquals([back.received, position!.offset], [[], 0]);
  },

  "a member that comes back, to whichever process, gets what it missed and then what is live": async (
    layer,
  ) => {
    const [here, there] = [await startWith(layer), await startWith(layer)];
    const [stays, goes, back] = [new Member(), new Member(), new Member()];
    await here.groups.join("room", stays);
    await here.groups.join("room", goes);
    publishAll(here, numbers(1, 50));
    await until(() => goes.received.length === 50);
    here.groups.leave("room", goes);
    const { position } = await here.groups.join("room", goes);
    here.groups.leave("room", goes);
    publishAll(there, numbers(51, 80));
    await until(() => stays.received.length === 80);
    // It is there when join returns, and what is published meanwhile comes behind what it missed.
    const joined = there.groups.join("room", back, { since: position! });
    publishAll(here, numbers(81, 100));
    const result = await joined;
    assert(result.recovered);
    assertEquals(result.missed, 0);
    assertEquals(result.position!.epoch, position!.epoch);
    await until(() => back.received.length === 50);
    await sleep(20);
    assertEquals(back.received, numbers(51, 100));
    assertEquals(goes.received, numbers(1, 50));
  },

  "at the seam of what was missed and what is live nothing is lost, doubled or out of order": async (
    layer,
  ) => {
    const [here, there] = [await startWith(layer), await startWith(layer)];
    const witness = new Member();
    await here.groups.join("room", witness);
    let count = 0;
    const publishing = setInterval(() => {
      for (let i = 0; i < 5; i++) here.groups.publish("room", `${++count}`);
    }, 1);
    await until(() => count > 50);
    const back: Member[] = [];
    for (let i = 0; i < 50; i++) {
      const member = new Member();
      back.push(member);
      const { recovered } = await (i % 2 === 0 ? here : there).groups.join("room", member, {
        since: "oldest",
      });
      assert(recovered);
      // The first member of a process reads what the broker keeps, the others what the process has kept of it.
      if (i % 10 === 9 && i < 49) { for (const one of back) there.groups.leave("room", one); }
    }
    clearInterval(publishing);
    await until(() => witness.received.length === count);
    await until(() => `${back.at(-1)!.received.at(-1)}` === `${count}`);
    assertEquals(witness.received, numbers(1, count));
    for (const { received } of back) assertEquals(received, numbers(1, received.length));
    assertEquals([back[0]!.received.length, back.at(-1)!.received.length], [count, count]);
  },

  "what is not kept any more is told: how many, or that nobody knows": async (layer) => {
    const [here, there] = [await startWith(layer, { messages: 5 }), await startWith(layer, { messages: 5 })];
    const witness = new Member();
    const { position } = await here.groups.join("room", witness);
    publishAll(here, numbers(1, 12));
    await until(() => witness.received.length === 12);
    const back = new Member();
    const result = await there.groups.join("room", back, { since: position! });
    assertEquals(result, {
      position: { epoch: position!.epoch, offset: position!.offset + 12 },
      recovered: false,
      missed: 7,
    });
    assertEquals(back.received, numbers(8, 12));
    const foreign = new Member();
    const since = { epoch: "another", offset: 3 };
    const unknown = await there.groups.join("room", foreign, { since });
    assertEquals([unknown.recovered, unknown.missed], [false, undefined]);
    assertEquals(foreign.received, numbers(8, 12));
    const ahead = await there.groups.join("room", new Member(), {
      since: { epoch: position!.epoch, offset: 1_000_000 },
    });
    assertEquals([ahead.recovered, ahead.missed], [false, undefined]);
    const early = await here.groups.join("room", new Member(), { since: result.position! });
    assertEquals(early, { position: result.position!, recovered: true, missed: 0 });
  },

  "a history is bounded in bytes": async (layer) => {
    const [here, there] = [
      await startWith(layer, { bytes: 1_000 }),
      await startWith(layer, { bytes: 1_000 }),
    ];
    const witness = new Member();
    await here.groups.join("room", witness);
    const texts = numbers(10, 29).map((text) => text.repeat(100));
    publishAll(here, texts);
    await until(() => witness.received.length === texts.length);
    const back = new Member();
    await there.groups.join("room", back, { since: "oldest" });
    assert(back.received.length >= 3 && back.received.length <= 5, `${back.received.length} are kept`);
    assertEquals(back.received, texts.slice(-back.received.length));
    await here.groups.publish("room", "x".repeat(2_000));
    await until(() => back.received.at(-1) === "x".repeat(2_000));
    const late = new Member();
    await there.groups.join("room", late, { since: "oldest" });
    assertEquals(late.received, []);
  },

  "a history is bounded in age": async (layer) => {
    const [here, there] = [await startWith(layer, { age: 400 }), await startWith(layer, { age: 400 })];
    const witness = new Member();
    const { position } = await here.groups.join("room", witness);
    publishAll(here, numbers(1, 10));
    await until(() => witness.received.length === 10);
    await sleep(500);
    publishAll(here, numbers(11, 12));
    await until(() => witness.received.length === 12);
    const back = new Member();
    const result = await there.groups.join("room", back, { since: position! });
    assertEquals([back.received, result.recovered, result.missed], [numbers(11, 12), false, 10]);
    await sleep(500);
    const late = new Member();
    const { position: end } = await there.groups.join("room", late, { since: result.position! });
    assertEquals([late.received, end], [[], result.position]);
  },

  "clients learn positions by what wraps messages, the same in all processes": async (layer) => {
    const wrap = (data: string | Uint8Array, { epoch, offset }: Position, group: string) =>
      JSON.stringify({ epoch, offset, group, data: `${data}` });
    const [here, there] = [await startWith(layer, { wrap }), await startWith(layer, { wrap })];
    const [near, far] = [new Member(), new Member()];
    const { position } = await here.groups.join("room", near);
    await there.groups.join("room", far);
    publishAll(here, ["a", "b"]);
    await until(() => near.received.length === 2 && far.received.length === 2);
    const { epoch, offset } = position!;
    assertEquals(near.received.map((text) => JSON.parse(`${text}`)), [
      { epoch, offset: offset + 1, group: "room", data: "a" },
      { epoch, offset: offset + 2, group: "room", data: "b" },
    ]);
    assertEquals(far.received, near.received);
    const back = new Member();
    await there.groups.join("room", back, { since: JSON.parse(`${near.received[0]}`, pickPosition) });
    assertEquals(back.received, near.received.slice(1));
  },

  "a process without a history gets what others publish, and they what it publishes": async (layer) => {
    const [here, there] = [await startWith(layer), await layer.start()];
    const [near, far] = [new Member(), new Member()];
    await here.groups.join("room", near);
    const plain = await there.groups.join("room", far);
    assertEquals(plain, { position: undefined, recovered: true, missed: 0 });
    publishAll(here, numbers(1, 10));
    await until(() => far.received.length === 10);
    publishAll(there, numbers(11, 20));
    await until(() => near.received.length === 20 && far.received.length === 20);
    assertEquals([near.received, far.received], [numbers(1, 20), numbers(1, 20)]);
    assertEquals([here, there].flatMap(({ reported }) => reported), []);
  },

  "bytes come back as they were, and payloads that are no message leave no hole": async (layer) => {
    const [here, there] = [await startWith(layer), await startWith(layer)];
    const witness = new Member();
    await here.groups.join("room", witness);
    const all = ["", "\ufeffgrüße \u{1f600}\0", new Uint8Array(0), Uint8Array.of(0x68, 0xff, 0x0a, 0x20, 0)];
    for (const message of all.slice(0, 2)) here.groups.publish("room", message);
    await until(() => witness.received.length === 2);
    const limits = { messages: 10_000, age: 60_000, bytes: 10_000_000 };
    await here.broker.history!.append(channelOf("group", "room"), Uint8Array.of(1, 2, 3), limits);
    for (const message of all.slice(2)) here.groups.publish("room", message);
    await until(() => witness.received.length === 4);
    const back = new Member();
    const { recovered } = await there.groups.join("room", back, { since: "oldest" });
    assertEquals([back.received, witness.received, recovered], [all, all, true]);
    assertEquals([here.groups.counts.malformed, there.groups.counts.malformed], [1, 1]);
  },

  "messages that were lost on the way are read from the history, and none is counted as missed": async (
    layer,
  ) => {
    const [here, there] = [await startWith(layer), await startWith(layer)];
    const [near, far] = [new Member(), new Member()];
    await here.groups.join("room", near);
    const { subscribe } = there.broker;
    let received = 0;
    there.broker.subscribe = (channel, deliver) =>
      subscribe.call(there.broker, channel, (payload, position) => {
        // Of what is live, every third is lost.
        if (position === undefined || ++received % 3 !== 0) deliver(payload, position);
      });
    await there.groups.join("room", far);
    for (const text of numbers(1, 200)) {
      here.groups.publish("room", text);
      if (Number(text) % 20 === 0) await sleep(1);
    }
    await until(() => near.received.length === 200);
    while (far.received.length < 200) {
      await here.groups.publish("room", "more");
      await sleep(5);
    }
    assertEquals(far.received.slice(0, 200), numbers(1, 200));
    assertEquals(there.groups.counts.missed, 0);
  },
};

function pickPosition(key: string, value: unknown): unknown {
  if (key !== "") return value;
  const { epoch, offset } = value as Position;
  return { epoch, offset };
}

for (const layer of layers) {
  const { name, history, options, run } = layer;
  for (const [promise, check] of Object.entries(history ? contract : {})) {
    test(`history over ${name}: ${promise}`, options, () => run(check));
  }
  if (history) continue;
  test(`history over ${name}: it is refused by name`, options, () =>
    run(async ({ start }) => {
      const { broker } = await start();
      assertThrows(
        () => new Groups({ broker, history: {} }),
        TypeError,
        "Cannot set history: this broker keeps none",
      );
    }));
}
