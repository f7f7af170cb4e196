import { test } from "node:test";
import { assert, assertEquals } from "#std/assert";
import fc from "fast-check";
import {
  type ControlMessage,
  cutChanges,
  type Member,
  type MemberChange,
  readControl,
  writeControl,
} from "../../lib/groups/control.ts";
import { Roster } from "../../lib/groups/roster.ts";
import { check } from "../support/property.ts";

const TTL = 1_000;

/** A process that tells of its members; what it says is kept, to be delivered or lost. */
class Teller {
  readonly members = new Map<string, MemberChange>();
  version = 0;

  change(change: MemberChange): ControlMessage {
    const key = `${change.id} ${change.group}`;
    if (change.member === undefined) this.members.delete(key);
    else this.members.set(key, change);
    return { type: "delta", version: ++this.version, ttl: TTL, changes: [change] };
  }

  snapshot(): ControlMessage[] {
    const { version } = this;
    const changes = [...this.members.values()];
    const parts = [changes.slice(0, 2), changes.slice(2)];
    return parts.map((part, i) => ({
      type: "snapshot",
      version,
      ttl: TTL,
      part: i,
      last: i === 1,
      changes: part,
    }));
  }

  beat(): ControlMessage {
    return { type: "beat", version: this.version, ttl: TTL };
  }

  list(group: string): string[] {
    return [...this.members.values()].filter((change) => change.group === group)
      .map(({ id, member }) => `${id} ${member!.name}`).sort();
  }
}

const list = (roster: Roster, group: string): string[] =>
  [...roster.membersOf(group)].map(([key, { name }]) => `${key.split(".")[1]} ${name}`).sort();

const change: fc.Arbitrary<MemberChange> = fc.record({
  group: fc.constantFrom("a", "b"),
  id: fc.nat(4),
  member: fc.option(fc.record({ name: fc.constantFrom("x", "y"), info: fc.constant(undefined) }), {
    nil: undefined,
  }),
});
const step = fc.oneof(
  { arbitrary: fc.record({ do: fc.constant("change" as const), change, lost: fc.boolean() }), weight: 6 },
  { arbitrary: fc.record({ do: fc.constant("beat" as const), lost: fc.boolean() }), weight: 2 },
  {
    arbitrary: fc.record({ do: fc.constant("snapshot" as const), late: fc.nat(2), lost: fc.nat(3) }),
    weight: 2,
  },
);

test("whatever is lost on the way, a heartbeat and a snapshot put it right; the changes that are told add up", () => {
  check(
    fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
      const teller = new Teller();
      const seen = new Map<string, Member>();
      const roster = new Roster((group, key, member) => {
        if (member === undefined) assert(seen.delete(`${group} ${key}`), "one left who was not there");
        else seen.set(`${group} ${key}`, member);
      });
      const hear = (message: ControlMessage) => roster.hear("p", readControl(writeControl(message))!, 0);
      for (const step of steps) {
        if (step.do === "beat") {
          const beat = teller.beat();
          if (!step.lost) hear(beat);
        } else if (step.do === "change") {
          const delta = teller.change(step.change);
          if (!step.lost) hear(delta);
        } else {
          const parts = teller.snapshot();
          // What is told while a snapshot is on its way comes before it, or between its parts.
          for (let i = 0; i < step.late; i++) {
            hear(teller.change({ group: "a", id: i, member: { name: "late", info: 1 } }));
          }
          for (const [i, part] of parts.entries()) if (step.lost !== i) hear(part);
        }
      }
      if (hear(teller.beat())) { for (const part of teller.snapshot()) hear(part); }
      assertEquals(hear(teller.beat()), false, "something is missing still");
      for (const group of ["a", "b"]) assertEquals(list(roster, group), teller.list(group));
      assertEquals(seen.size, teller.members.size);
    }),
    { numRuns: 2_000 },
  );
});

test("a process that is not heard of for its ttl has nobody in its groups", () => {
  const left: string[] = [];
  const roster = new Roster((group, key, member) => member ?? left.push(`${group} ${key}`));
  const teller = new Teller();
  roster.hear("p", teller.change({ group: "a", id: 7, member: { name: "x", info: undefined } }), 0);
  roster.hear("p", teller.beat(), 900);
  roster.expire(1_900);
  assertEquals(list(roster, "a"), ["7 x"]);
  roster.expire(1_901);
  assertEquals([list(roster, "a"), left], [[], ["a p.7"]]);
});

test("pieces of changes are bounded, and nothing is lost between them", () => {
  const changes = Array.from({ length: 10_000 }, (_, id): MemberChange => ({
    group: "room",
    id,
    member: { name: `member ${id}`, info: { seat: id } },
  }));
  const pieces = [...cutChanges(changes)];
  assertEquals(pieces.flat(), changes);
  for (const changes of pieces) {
    assert(writeControl({ type: "delta", version: 1, ttl: TTL, changes }).length < 40_000);
  }
  assertEquals([...cutChanges([])], [[]]);
});

test("what is no message between processes is told from one", () => {
  const beat = { type: "beat", version: 1, ttl: 2 };
  assertEquals(readControl(JSON.stringify(beat)), { type: "beat", version: 1, ttl: 2 });
  const wrong = [
    "",
    "null",
    "[]",
    "1",
    '"beat"',
    "{}",
    ...[{ type: "Beat" }, { version: -1 }, { version: 0.5 }, { version: "1" }, { ttl: Infinity }, {
      ttl: 86_400_001,
    }]
      .map((change) => JSON.stringify({ ...beat, ...change })),
    ...[[], ["room"], ["room", "1"], [1, 1], ["room", 1, 2], ["room", 1, "x", 0, 0]]
      .map((row) => JSON.stringify({ ...beat, type: "delta", changes: [row] })),
    JSON.stringify({ ...beat, type: "delta" }),
    JSON.stringify({ ...beat, type: "snapshot", changes: [], part: 0 }),
  ];
  for (const text of wrong) assertEquals(readControl(text), undefined, text);
});
