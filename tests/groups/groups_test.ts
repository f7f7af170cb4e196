import { assertEquals, assertRejects, assertStrictEquals, assertThrows } from "#std/assert";
import { test } from "node:test";
import { Groups, GroupsError, type GroupsErrorContext, type GroupsOptions } from "../../lib/groups/mod.ts";
import type { Bytes, ServerConnection } from "../../mod.ts";
import { serving, settles, settlesInTime, sleep, until } from "../support/serving.ts";
import { Member } from "./member.ts";

const ODD_NAMES = [
  "",
  "a",
  "A",
  "a ",
  "__proto__",
  "constructor",
  "a.b",
  "a.*",
  ">",
  "ü",
  "u\u0308",
  "\ud800",
  "\ud801",
];

function members(count: number): Member[] {
  return Array.from({ length: count }, () => new Member());
}

/** What is left of a text that goes through UTF-8. */
function wellFormed(text: string): string {
  return new TextDecoder().decode(new TextEncoder().encode(text));
}

test("groups: a message reaches every member but the one excepted, encoded once", async () => {
  const groups = new Groups();
  const [a, b, c, stranger] = members(4) as [Member, Member, Member, Member];
  for (const member of [a, b, c]) await groups.join("room", member);
  await groups.join("elsewhere", stranger);
  await groups.publish("room", "text");
  const bytes = Uint8Array.of(1, 2, 3);
  const published = groups.publish("room", bytes, { except: b });
  bytes.fill(0);
  await published;
  assertEquals(a.received, ["text", Uint8Array.of(1, 2, 3)]);
  assertEquals([b.received, c.received, stranger.received], [["text"], a.received, []]);
  assertStrictEquals(a.prepared[1], c.prepared[1]);
});

test("groups: names match exactly", async () => {
  const groups = new Groups();
  const all = ODD_NAMES.map((name) => ({ name, member: new Member() }));
  for (const { name, member } of all) await groups.join(name, member, { as: name });
  for (const { name } of all) {
    await groups.publish(name, `to ${name}`);
    assertEquals(await groups.sendTo(name, `for ${name}`), { local: 1, forwarded: false });
  }
  for (const { name, member } of all) {
    assertEquals(member.received, [wellFormed(`to ${name}`), wellFormed(`for ${name}`)]);
    assertEquals(await groups.presence(name), { size: 1, names: [name] });
  }
});

test("groups: a member that joins twice is there once, and one leave is enough", async () => {
  const groups = new Groups();
  const [member] = members(1) as [Member];
  await groups.join("room", member);
  await groups.join("room", member);
  await groups.publish("room", "once");
  groups.leave("room", member);
  groups.leave("room", member);
  groups.leave("nowhere", member);
  await groups.publish("room", "never");
  assertEquals(member.received, ["once"]);
});

test("groups: empty ones vanish", async () => {
  const groups = new Groups();
  const [a, b] = members(2) as [Member, Member];
  await groups.join("room", a);
  await groups.join("room", b);
  const room = groups.members("room");
  assertEquals([...room], [a, b]);
  groups.leave("room", a);
  assertEquals([...room], [b]);
  groups.leave("room", b);
  assertEquals(groups.members("room").size, 0);
  await groups.join("room", a);
  assertEquals([...groups.members("room")], [a]);
});

test("groups: a connection that closes leaves them all, and its name", async () => {
  const groups = new Groups();
  const [member] = members(1) as [Member];
  for (const name of ["a", "b", "c"]) await groups.join(name, member, { as: "ann" });
  member.end();
  await member.closed;
  await sleep(0);
  assertEquals(["a", "b", "c"].map((name) => groups.members(name).size), [0, 0, 0]);
  assertEquals(await groups.sendTo("ann", "Hello"), { local: 0, forwarded: false });
});

test("groups: one that joins when it is closed already does not stay", async () => {
  const groups = new Groups();
  const [member] = members(1) as [Member];
  member.end();
  groups.join("room", member);
  await until(() => groups.members("room").size === 0);
});

test("groups: a name lasts while a group has the member under it; joining again changes it", async () => {
  const groups = new Groups();
  const [a, b] = members(2) as [Member, Member];
  await groups.join("one", a, { as: "ann" });
  await groups.join("two", a, { as: "ann" });
  await groups.join("one", b, { as: "ann" });
  assertEquals(await groups.sendTo("ann", "1"), { local: 2, forwarded: false });
  assertEquals(await groups.presence("one"), { size: 2, names: ["ann"] });
  await groups.join("one", b, { as: "bob" });
  groups.leave("one", a);
  assertEquals((await groups.sendTo("ann", "2")).local, 1);
  groups.leave("two", a);
  assertEquals((await groups.sendTo("ann", "3")).local, 0);
  assertEquals(await groups.presence("one"), { size: 1, names: ["bob"] });
  await groups.join("one", b);
  assertEquals(await groups.presence("one"), { size: 0, names: [] });
  assertEquals([a.received, b.received], [["1", "2"], ["1"]]);
});

test("groups: who joins, leaves or closes inside a publish is a matter for the next message", async () => {
  const contexts: GroupsErrorContext[] = [];
  const [slow, a, b, late] = members(4) as [Member, Member, Member, Member];
  const groups: Groups = new Groups({
    maxBuffered: 100,
    onError: (_, context) => {
      contexts.push(context);
      groups.join("room", late);
      groups.leave("room", a);
      b.close();
    },
  });
  // The slow one comes first: what its miss leads to must not touch those behind it.
  slow.bufferedAmount = 100;
  for (const member of [slow, a, b]) await groups.join("room", member);
  groups.publish("room", "1");
  assertEquals([slow, a, b, late].map(({ received }) => received), [[], ["1"], ["1"], []]);
  assertEquals(contexts, [{ stage: "deliver", connection: slow }]);
  await b.closed;
  await sleep(0);
  groups.publish("room", "2");
  assertEquals([slow, a, b, late].map(({ received }) => received), [[], ["1"], ["1"], ["2"]]);
});

test("groups: publish and sendTo never throw", async () => {
  const stages: unknown[] = [];
  const groups = new Groups({
    onError: (error, context) => {
      stages.push([(error as Error).name, context]);
      throw new Error("onError fails too");
    },
  });
  await groups.join("room", new Member(), { as: "ann" });
  for (const wrong of [1, null, undefined, {}, [], Symbol()]) await groups.publish("room", wrong as Bytes);
  assertEquals(await groups.sendTo("ann", 1n as unknown as Bytes), { local: 0, forwarded: false });
  assertEquals(stages, [
    ...Array(6).fill(["TypeError", { stage: "encode", group: "room" }]),
    ["TypeError", { stage: "encode", member: "ann" }],
  ]);
});

test("groups: closed ones are empty and take nobody in; the connections stay open", async () => {
  const groups = new Groups();
  const [member] = members(1) as [Member];
  await groups.join("room", member);
  await Promise.all([groups.close(), groups.close(), groups[Symbol.asyncDispose]()]);
  await groups.join("room", member);
  await groups.publish("room", "late");
  groups.leave("room", member);
  assertEquals([groups.members("room").size, member.received, member.closes], [0, [], []]);
});

test("groups: a connection is in maxGroups groups at most", async () => {
  const groups = new Groups({ maxGroups: 2 });
  const [a, b] = members(2) as [Member, Member];
  for (const name of ["one", "two", "two"]) await groups.join(name, a);
  assertThrows(
    () => groups.join("three", a),
    RangeError,
    "Cannot join group: the connection is in 2 groups already",
  );
  await groups.join("three", b);
  groups.leave("one", a);
  await groups.join("three", a);
  assertEquals(groups.members("three").size, 2);
});

const WRONG: readonly [GroupsOptions, new () => Error][] = [
  [{ slowConsumer: "ignore" as "drop" }, RangeError],
  [{ maxBuffered: 0 }, RangeError],
  [{ maxBuffered: NaN }, RangeError],
  [{ maxPending: "1" as unknown as number }, TypeError],
  [{ maxGroups: -1 }, RangeError],
  [{ onError: "log" as unknown as () => void }, TypeError],
];
for (const [options, type] of WRONG) {
  test(`groups: ${Object.entries(options).join()} is refused`, () => {
    assertThrows(() => new Groups(options), type, `Cannot set ${Object.keys(options)[0]}: it must be`);
  });
}

test("groups: a name must be a string of up to 512 units", async () => {
  const groups = new Groups();
  const [member] = members(1) as [Member];
  await groups.join("x".repeat(512), member);
  assertThrows(() => groups.join("x".repeat(513), member), RangeError, "Cannot take name of group");
  assertThrows(() => groups.join(1 as unknown as string, member), TypeError, "Cannot take name of group");
  assertThrows(() => groups.join("a", member, { as: "x".repeat(513) }), RangeError, "name of member");
  assertEquals(groups.members("a").size, 0);
});

test("groups: whom a message is for is refused by name if it is wrong", async () => {
  const groups = new Groups();
  const long = "x".repeat(513);
  for (const names of [1, null, undefined, {}, ["a", 1], [["a"]]]) {
    const name = names as unknown as string;
    assertThrows(
      () => groups.publish(name, "text"),
      TypeError,
      "Cannot take name of group: it must be a string",
    );
  }
  assertThrows(() => groups.publish(["a", long], "text"), RangeError, "Cannot take name of group");
  for (const wrong of [1, null, {}, { id: 1 }, ["ann", 1], [["ann"]], [undefined]]) {
    const options = { except: wrong as unknown as string };
    for (
      const publish of [() => groups.publish("a", "text", options), () => groups.broadcast("text", options)]
    ) {
      assertThrows(
        publish,
        TypeError,
        "Cannot set except: it must be a connection, a name, a member with its id",
      );
    }
  }
  assertThrows(() => groups.publish("a", "text", { except: long }), RangeError, "Cannot take name of member");
  const unknown = { excpet: "ann" } as unknown as { except: string };
  assertThrows(() => groups.broadcast("text", unknown), TypeError, "did you mean except?");
  await assertRejects(
    () => groups.sendTo(1 as unknown as string, "text"),
    TypeError,
    "Cannot take name of member",
  );
});

test("groups: in one process, too, a message goes once to whoever is in several groups, or to everyone", async () => {
  const groups = new Groups();
  const [a, b, both, bob] = members(4) as [Member, Member, Member, Member];
  await groups.join("a", a);
  await groups.join("b", b);
  for (const name of ["a", "b"]) await groups.join(name, both);
  await groups.join("c", bob, { as: "bob" });
  await groups.publish(["a", "b", "b", "none"], "1");
  await groups.publish(["a", "b"], "2", { except: [both, b] });
  await groups.publish([], "to none");
  await groups.broadcast("3");
  await groups.broadcast("4", { except: ["bob", both, { id: groups.idOf(a)! }] });
  assertEquals([a, b, both, bob].map(({ received }) => received), [
    ["1", "2", "3"],
    ["1", "3", "4"],
    ["1", "3"],
    ["3"],
  ]);
  assertEquals((await groups.presence.members("c"))[0]!.connection, bob);
  await groups.close();
  await groups.broadcast("to nobody");
  assertEquals(bob.received.length, 1);
});

test("groups: members are what joined, with the context of their request", () => {
  interface User {
    readonly user: string | null;
  }
  const groups = new Groups<ServerConnection<User>>();
  return serving<User>(
    { authorize: ({ headers }) => ({ user: headers.get("x-user") }) },
    async (socket) => {
      await groups.join("room", socket, { as: "someone" });
      await socket.closed;
    },
    async ({ open }) => {
      for (const user of ["ann", "bob"]) await open({ headers: { "x-user": user } });
      await until(() => groups.members("room").size === 2);
      const users = [...groups.members("room")].map(({ request }) => request.context.user);
      assertEquals(users.sort(), ["ann", "bob"]);
      const present = await groups.presence.members("room");
      assertEquals(present.map(({ connection }) => connection!.request.context.user).sort(), users);
    },
  );
});

test("groups: drop leaves out who is too slow, counts it, and reports it once until that is over", async () => {
  const errors: unknown[] = [];
  const groups = new Groups({
    maxBuffered: 100,
    onError: (error) => errors.push((error as GroupsError).code),
  });
  const [slow, fast] = members(2) as [Member, Member];
  slow.slow = true;
  for (const member of [slow, fast]) await groups.join("room", member);
  for (let i = 0; i < 10; i++) {
    assertEquals(await settlesInTime(groups.publish("room", "x".repeat(30)), 1_000), true);
  }
  assertEquals([slow.received.length, fast.received.length], [2, 10]);
  assertEquals([errors, groups.counts.dropped], [["slow-consumer"], 8]);
  slow.read();
  for (let i = 0; i < 3; i++) groups.publish("room", "x".repeat(30));
  assertEquals([slow.received.length, errors.length, groups.counts.dropped], [4, 2, 9]);
  assertEquals(slow.closes, []);
});

test("groups: a message over the bound reaches those for whom nothing waits", async () => {
  const groups = new Groups({ maxBuffered: 100 });
  const [idle, busy] = members(2) as [Member, Member];
  busy.bufferedAmount = 1;
  for (const member of [idle, busy]) await groups.join("room", member);
  await groups.publish("room", new Uint8Array(1_000));
  assertEquals([idle.received.length, busy.received.length], [1, 0]);
});

test("groups: close ends who is too slow, at once and for all groups", async () => {
  const groups = new Groups({ slowConsumer: "close", maxBuffered: 100 });
  const [slow, fast] = members(2) as [Member, Member];
  slow.slow = true;
  for (const member of [slow, fast]) for (const name of ["a", "b"]) await groups.join(name, member);
  for (let i = 0; i < 10; i++) groups.publish("a", "x".repeat(30));
  assertEquals([slow.received.length, fast.received.length], [2, 10]);
  assertEquals(slow.closes, [{ closeCode: 1013, reason: "Too slow" }]);
  assertEquals([[...groups.members("a")], [...groups.members("b")]], [[fast], [fast]]);
  assertEquals(groups.counts, { dropped: 1, closed: 1, lost: 0, missed: 0, malformed: 0 });
});

test("groups: who publishes because someone was closed closes nobody twice", async () => {
  const groups: Groups = new Groups({
    slowConsumer: "close",
    maxBuffered: 100,
    onError: () => void groups.publish("room", "Someone is gone"),
  });
  const [one, other, fast] = members(3) as [Member, Member, Member];
  for (const member of [one, other, fast]) await groups.join("room", member);
  one.bufferedAmount = other.bufferedAmount = 100;
  await groups.publish("room", "Hello");
  assertEquals([one.closes.length, other.closes.length, groups.counts.closed], [1, 1, 2]);
  assertEquals(fast.received[0], "Hello");
});

test("groups: wait holds who awaits publish, and delivers to the others meanwhile", async () => {
  const groups = new Groups({ slowConsumer: "wait", maxBuffered: 100 });
  const [slow, fast] = members(2) as [Member, Member];
  slow.slow = true;
  for (const member of [slow, fast]) await groups.join("room", member);
  for (let i = 0; i < 5; i++) {
    const published = groups.publish("room", "x".repeat(60));
    assertEquals([slow.received.length, fast.received.length], [i + 1, i + 1]);
    assertEquals(await settles(published, 20), false);
    slow.read();
    assertEquals(await settlesInTime(published, 1_000), true);
  }
  assertEquals(groups.counts.dropped, 0);
});

test("groups: wait keeps to its bound where nobody waits", async () => {
  const groups = new Groups({ slowConsumer: "wait", maxBuffered: 100 });
  const [slow, fast] = members(2) as [Member, Member];
  slow.slow = true;
  for (const member of [slow, fast]) await groups.join("room", member);
  for (let i = 0; i < 10; i++) groups.publish("room", "x".repeat(30));
  assertEquals([slow.received.length, fast.received.length, groups.counts.dropped], [2, 10, 8]);
});

test("groups: members on a server, joining and leaving by their connections", () => {
  const groups = new Groups();
  return serving({}, async (socket, request) => {
    await groups.join("room", socket, { as: request.url.pathname });
    for await (const message of socket) groups.publish("room", message, { except: socket });
  }, async ({ open }) => {
    const sockets = [await open(), await open(), await open()] as const;
    await until(() => groups.members("room").size === 3);
    await sockets[0].send("Hello");
    const heard = await Promise.all(
      sockets.slice(1).map(async (socket) => {
        for await (const message of socket) return message;
      }),
    );
    assertEquals(heard, ["Hello", "Hello"]);
    sockets[0].close();
    sockets[1].abort();
    await until(() => groups.members("room").size === 1);
    assertEquals(await groups.sendTo("/", "Bye"), { local: 1, forwarded: false });
  });
});

test("groups: who watches may ask ahead, gets changes in order, and an end for each question", async () => {
  const groups = new Groups();
  const watching = groups.presence.watch("room");
  const asked = Array.from({ length: 4 }, () => watching.next());
  const [ann, bob] = members(2) as [Member, Member];
  await groups.join("room", ann, { as: "ann" });
  await groups.join("room", bob, { as: "bob" });
  const came = Promise.all(asked.slice(0, 2));
  assertEquals(await settlesInTime(came, 5_000), true);
  assertEquals((await came).map(({ value }) => value?.name), ["ann", "bob"]);
  groups.leave("room", ann);
  await watching.return!();
  const ended = Promise.all([...asked.slice(3), watching.next()]);
  assertEquals(await settlesInTime(ended, 5_000), true);
  assertEquals((await ended).map(({ done }) => done), [true, true]);
  await groups.close();
});
