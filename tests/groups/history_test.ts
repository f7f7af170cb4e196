import { assert, assertEquals, assertThrows } from "#std/assert";
import { test } from "node:test";
import { GroupLog } from "../../lib/groups/group_log.ts";
import { Groups, type GroupsOptions, type JoinOptions } from "../../lib/groups/mod.ts";
import { readHistoryOptions } from "../../lib/groups/history_options.ts";
import { settles, sleep, until } from "../support/serving.ts";
import { Member } from "./member.ts";

const LIMITS = { messages: 5, age: 1_000, bytes: 100 };

function offsets(log: GroupLog<string>): [first: number, last: number] {
  return [log.first, log.last];
}

test("group log: it is bounded in messages, bytes and age, and keeps count", () => {
  const log = new GroupLog<string>({ epoch: "e", offset: 0 }, LIMITS, 0);
  assertEquals(offsets(log), [1, 0]);
  for (let i = 1; i <= 7; i++) log.append(`${i}`, 10, i);
  assertEquals([offsets(log), log.at(2), log.at(3)?.value, log.position], [
    [3, 7],
    undefined,
    "3",
    { epoch: "e", offset: 7 },
  ]);
  log.append("8", 75, 8);
  assertEquals(offsets(log), [6, 8]);
  log.append("9", 101, 9);
  assertEquals(offsets(log), [10, 9]);
  log.append("10", 1, 10);
  log.append("11", 1, 500);
  log.trim(1_010);
  assertEquals(offsets(log), [10, 11]);
  log.trim(1_011);
  assertEquals(offsets(log), [11, 11]);
  log.skipTo(10);
  assertEquals(offsets(log), [11, 11]);
  log.skipTo(20);
  assertEquals([offsets(log), log.at(20)], [[21, 20], undefined]);
});

test("history: a member that comes back gets what it missed, then what is live", async () => {
  const groups = new Groups({ history: { messages: 3 } });
  const [stays, goes] = [new Member(), new Member()];
  await groups.join("room", stays);
  const { position } = await groups.join("room", goes);
  assertEquals(position?.offset, 0);
  groups.leave("room", goes);
  groups.publish("room", "1");
  groups.publish("room", Uint8Array.of(2));
  const joined = groups.join("room", goes, { since: position! });
  groups.publish("room", "3");
  assertEquals(await joined, { position: { ...position!, offset: 3 }, recovered: true, missed: 0 });
  groups.publish("room", "4");
  const all = ["1", Uint8Array.of(2), "3", "4"];
  assertEquals([goes.received, stays.received], [all, all]);
  const late = new Member();
  assertEquals(await groups.join("room", late, { since: position! }), {
    position: { ...position!, offset: 4 },
    recovered: false,
    missed: 1,
  });
  assertEquals(late.received, all.slice(1));
  // What nobody was there for is kept as well.
  groups.publish("empty", "1");
  const first = new Member();
  assertEquals((await groups.join("empty", first, { since: "oldest" })).recovered, true);
  assertEquals(first.received, ["1"]);
  await groups.close();
});

test("history: a member that reads slowly is sent what it missed as it reads, and nothing live before", async () => {
  const groups = new Groups({ history: { messages: 10 }, maxBuffered: 400 });
  const [witness, slow] = [new Member(), new Member()];
  await groups.join("room", witness);
  for (let i = 1; i <= 10; i++) groups.publish("room", `${i}`.padEnd(50));
  slow.slow = true;
  const joined = groups.join("room", slow, { since: "oldest" });
  await until(() => slow.received.length === 3);
  groups.publish("room", "11");
  assertEquals(await settles(joined, 20), false);
  assertEquals(slow.received.length, 3);
  slow.read();
  await until(() => slow.received.length === 6);
  // What goes meanwhile is missed.
  for (let i = 12; i <= 20; i++) groups.publish("room", `${i}`);
  slow.slow = false;
  slow.read();
  const { recovered, missed, position } = await joined;
  assertEquals([recovered, missed, position?.offset], [false, 4, 20]);
  groups.publish("room", "21");
  const read = slow.received.map(Number);
  assertEquals(read, [1, 2, 3, 4, 5, 6, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21]);
  assertEquals([groups.counts.dropped, witness.received.length], [0, 21]);
  await groups.close();
});

test("history: a member that leaves while it is sent what it missed gets no more of it", async () => {
  const groups = new Groups({ history: { messages: 10 }, maxBuffered: 400 });
  for (let i = 1; i <= 10; i++) groups.publish("room", `${i}`.padEnd(50));
  const member = new Member();
  member.slow = true;
  const joined = groups.join("room", member, { since: "oldest" });
  await until(() => member.received.length === 3);
  groups.leave("room", member);
  member.read();
  assertEquals((await joined).position?.offset, 3);
  // It comes back at once, for what is new.
  member.slow = false;
  await groups.join("room", member);
  groups.publish("room", "new");
  assertEquals(member.received.slice(3), ["new"]);
  await groups.close();
});

test("history: who is a member already gets nothing again, and is told so", async () => {
  const groups = new Groups({ history: {} });
  const member = new Member();
  const { position } = await groups.join("room", member);
  groups.publish("room", "1");
  const again = await groups.join("room", member, { as: "ann", since: position! });
  assertEquals(again, { position: { ...position!, offset: 1 }, recovered: false, missed: undefined });
  assertEquals(await groups.join("room", member), { ...again, recovered: true, missed: 0 });
  assertEquals(member.received, ["1"]);
  await groups.close();
});

test("history: what wrap throws is reported, and the message goes to nobody", async () => {
  const reported: unknown[] = [];
  const groups = new Groups({
    history: {
      wrap: (data, { offset }) => {
        if (data === "bad") throw new Error("no");
        return `${offset} ${data}`;
      },
    },
    onError: (error, context) => reported.push([`${error}`, context]),
  });
  const [member, back] = [new Member(), new Member()];
  await groups.join("room", member);
  for (const text of ["a", "bad", "c"]) groups.publish("room", text);
  const { recovered } = await groups.join("room", back, { since: "oldest" });
  assertEquals([member.received, back.received, recovered], [["1 a", "3 c"], ["1 a", "3 c"], true]);
  assertEquals(reported, [["Error: no", { stage: "encode", group: "room" }]]);
  await groups.close();
});

test("history: messages that are too old go by themselves, and positions long after them", async () => {
  const groups = new Groups({ history: { age: 50 } });
  const member = new Member();
  groups.publish("room", "1");
  const { position } = await groups.join("room", member, { since: "oldest" });
  groups.leave("room", member);
  await sleep(100);
  const back = await groups.join("room", member, { since: position! });
  assertEquals(back, { position: position!, recovered: true, missed: 0 });
  groups.leave("room", member);
  let epoch = position!.epoch;
  for (let i = 0; i < 100 && epoch === position!.epoch; i++) {
    await sleep(100);
    const probe = new Member();
    epoch = (await groups.join("room", probe)).position!.epoch;
    groups.leave("room", probe);
  }
  assert(epoch !== position!.epoch, "the group is still kept");
  await groups.close();
});

const WRONG: readonly [options: unknown, message: string][] = [
  [{ messages: 0 }, "Cannot set history.messages: it must be a whole number from 1 to"],
  [{ messages: Infinity }, "Cannot set history.messages: it must be a whole number from 1 to"],
  [{ age: "1" }, "Cannot set history.age: it must be a number, not string"],
  [{ bytes: -1 }, "Cannot set history.bytes: it must be a whole number from 1 to"],
  [{ wrap: {} }, "Cannot set history.wrap: it must be a function"],
  [{ message: 1 }, "Cannot set history.message: there is no such option, did you mean history.messages?"],
  [true, "Cannot set history: it must be an object"],
];
for (const [history, message] of WRONG) {
  test(`history: ${JSON.stringify(history)} is refused: ${message}`, () => {
    assertThrows(() => new Groups({ history } as GroupsOptions), Error, message);
  });
}

test("history: since must be a position or oldest, and needs a history", async () => {
  const groups = new Groups({ history: {} });
  const wrong: readonly [since: unknown, message: string][] = [
    ["newest", 'Cannot set since: it must be a position or "oldest", not string'],
    [7, "Cannot set since: it must be an object"],
    [{ epoch: "a" }, "Cannot set since.offset: it must be a number"],
    [{ offset: 1 }, "Cannot set since.epoch: it must be a string"],
    [{ epoch: "a", offset: -1 }, "Cannot set since.offset: it must be a whole number"],
    [{ epoch: "a", offset: 0.5 }, "Cannot set since.offset: it must be a whole number"],
  ];
  for (const [since, message] of wrong) {
    assertThrows(() => groups.join("room", new Member(), { since } as JoinOptions), Error, message);
  }
  assertThrows(
    () => new Groups().join("room", new Member(), { since: "oldest" }),
    TypeError,
    "Cannot join group: since needs groups with a history",
  );
  assertEquals(groups.members("room").size, 0);
  await groups.close();
});

test("history: its defaults", () => {
  assertEquals(readHistoryOptions({}, "history"), { messages: 100, age: 300_000, bytes: 1_048_576 });
});
