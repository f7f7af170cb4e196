import { assertEquals } from "#std/assert";
import { test } from "node:test";
import { Feed, type Page, type Placed } from "../../lib/groups/feed.ts";
import type { Position } from "../../lib/groups/mod.ts";
import { prepare } from "../../mod.ts";
import { settles, sleep, until } from "../support/serving.ts";
import { Member } from "./member.ts";

const LIMITS = { messages: 10, age: 60_000, bytes: 1_000 };

function place(offset: number, epoch = "e", size = 1): Placed {
  return { position: { epoch, offset }, open: () => prepare(`${epoch}${offset}`), size, age: 0 };
}

function page(offsets: readonly number[], latest: number, epoch = "e"): Page {
  return { position: { epoch, offset: latest }, placed: offsets.map((offset) => place(offset, epoch)) };
}

/** A feed with one member, and the questions that it asks about its log, in their order. */
class Setting {
  readonly member = new Member();
  readonly members = new Set([this.member]);
  readonly questions: { after: Position | undefined; answer: (page: Page | undefined) => void }[] = [];
  readonly feed = new Feed({
    limits: LIMITS,
    maxAhead: 1_000,
    members: () => this.members,
    send: (message, members) => {
      for (const member of members) void member.send(message);
      return undefined;
    },
    read: (after) => new Promise((answer) => this.questions.push({ after, answer })),
  });

  /** Begins, with a log that has these. */
  static async start(first: Page): Promise<Setting> {
    const setting = new Setting();
    void setting.feed.start(Promise.resolve(true));
    await setting.answer(first);
    return setting;
  }

  /** Answers the next question, when it is asked. */
  async answer(answer: Page | undefined): Promise<Position | undefined> {
    await until(() => this.questions.length > 0);
    const question = this.questions.shift()!;
    question.answer(answer);
    await sleep(0);
    return question.after;
  }

  /** What a member that asks for all that is kept gets. */
  async kept(): Promise<unknown[]> {
    const probe = new Member();
    this.members.add(probe);
    await this.feed.catchUp(probe, this.feed.hold(probe), "oldest");
    this.members.delete(probe);
    return probe.received;
  }
}

test("feed: what was there before is kept and not sent; what comes while it is read is sent, once", async () => {
  const setting = new Setting();
  const { feed, member } = setting;
  const started = feed.start(Promise.resolve(true));
  for (const offset of [4, 5]) feed.arrive(place(offset));
  assertEquals(member.received, []);
  assertEquals(await setting.answer(page([2, 3, 4], 4)), undefined);
  await started;
  assertEquals(member.received, ["e4", "e5"]);
  feed.arrive(place(5));
  feed.arrive(place(6));
  assertEquals(member.received, ["e4", "e5", "e6"]);
  assertEquals(await setting.kept(), ["e2", "e3", "e4", "e5", "e6"]);
  assertEquals([feed.position, setting.questions.length], [{ epoch: "e", offset: 6 }, 0]);
});

test("feed: where a message is missing the log is read, and what comes meanwhile is sent after it", async () => {
  const setting = await Setting.start(page([], 0));
  const { feed, member } = setting;
  for (const offset of [1, 2, 5, 6]) feed.arrive(place(offset));
  assertEquals(member.received, ["e1", "e2"]);
  await until(() => setting.questions.length === 1);
  feed.arrive(place(7));
  assertEquals(await setting.answer(page([3, 4, 5], 5)), { epoch: "e", offset: 2 });
  assertEquals(member.received, ["e1", "e2", "e3", "e4", "e5", "e6", "e7"]);
  assertEquals(setting.questions.length, 0);
});

test("feed: what the log does not have any more is left out, and a newcomer is told", async () => {
  const setting = await Setting.start(page([1, 2], 2));
  const { feed, member } = setting;
  const recovered = feed.recover();
  await setting.answer(page([8, 9], 9));
  await recovered;
  assertEquals(member.received, ["e8", "e9"]);
  const probe = new Member();
  setting.members.add(probe);
  const result = await feed.catchUp(probe, feed.hold(probe), { epoch: "e", offset: 1 });
  assertEquals(result, { position: { epoch: "e", offset: 9 }, recovered: false, missed: 6 });
  assertEquals(probe.received, ["e8", "e9"]);
  await Promise.all([feed.recover(), setting.answer(page([], 20))]);
  assertEquals([feed.position, await setting.kept()], [{ epoch: "e", offset: 20 }, []]);
});

test("feed: another epoch begins anew, and all of it is sent", async () => {
  const setting = await Setting.start(page([1, 2], 2));
  const { feed, member } = setting;
  feed.arrive(place(2, "f"));
  await setting.answer(page([1, 2], 2, "f"));
  feed.arrive(place(3, "f"));
  assertEquals(member.received, ["f1", "f2", "f3"]);
  assertEquals(await setting.kept(), ["f1", "f2", "f3"]);
});

test("feed: a log that cannot be read is asked for again, and nobody waits for that", async () => {
  const setting = new Setting();
  const { feed, member } = setting;
  void feed.start(Promise.resolve(true));
  assertEquals(await settles(feed.known(), 20), false);
  await setting.answer(undefined);
  await feed.known();
  const probe = new Member();
  const unknown = await feed.catchUp(probe, feed.hold(probe), "oldest");
  assertEquals(unknown, { position: undefined, recovered: false, missed: undefined });
  feed.arrive(place(8));
  void feed.recover(); // it does not wait until it would have asked
  await setting.answer(page([7, 8], 8));
  assertEquals(member.received, ["e8"]);
});

test("feed: a subscription that is not answered in time holds nobody up", async () => {
  const setting = new Setting();
  void setting.feed.start(Promise.resolve(false));
  await setting.feed.known();
  await setting.answer(page([], 3));
  assertEquals(setting.feed.position, { epoch: "e", offset: 3 });
});

test("feed: what comes while the log is read is bounded, and what goes is read", async () => {
  const setting = await Setting.start(page([], 0));
  const { feed, member } = setting;
  void feed.recover();
  for (let offset = 1; offset <= 30; offset++) feed.arrive(place(offset));
  await setting.answer(page([1, 2], 2));
  assertEquals(member.received, ["e1", "e2"]);
  const missing = Array.from({ length: 18 }, (_, i) => i + 3);
  assertEquals(await setting.answer(page(missing, 20)), { epoch: "e", offset: 2 });
  assertEquals(member.received, Array.from({ length: 30 }, (_, i) => `e${i + 1}`));
  // In bytes as well.
  void feed.recover();
  for (let offset = 31; offset <= 34; offset++) feed.arrive(place(offset, "e", 400));
  await setting.answer(page([], 30));
  assertEquals(member.received.length, 30);
  await setting.answer(page([31, 32], 32));
  assertEquals(member.received.slice(30), ["e31", "e32", "e33", "e34"]);
});

test("feed: when it is stopped it asks no more, and nobody waits", async () => {
  const setting = new Setting();
  const { feed, member } = setting;
  void feed.start(Promise.resolve(true));
  await until(() => setting.questions.length === 1);
  feed.arrive(place(1));
  feed.stop();
  await feed.known();
  await setting.answer(page([], 0));
  feed.arrive(place(2));
  await sleep(0);
  assertEquals([member.received, setting.questions.length], [[], 0]);
  // One that has yet to begin does not.
  const other = new Setting();
  const started = other.feed.start(Promise.resolve(true));
  other.feed.stop();
  await started;
  assertEquals(other.questions.length, 0);
});

test("feed: a log that has lost its end goes on there, and nothing of what follows is taken for old", async () => {
  const setting = await Setting.start(page([1, 2], 2));
  const { feed, member } = setting;
  for (const offset of [3, 4, 5]) feed.arrive(place(offset));
  const recovered = feed.recover();
  feed.arrive(place(4));
  assertEquals(await setting.answer(page([], 3)), { epoch: "e", offset: 5 });
  await recovered;
  feed.arrive(place(5));
  assertEquals(member.received, ["e3", "e4", "e5", "e4", "e5"]);
  assertEquals([feed.position, setting.questions.length], [{ epoch: "e", offset: 5 }, 0]);
});
