import fc from "fast-check";
import { watch } from "../support/watch_sent.ts";
import { fuzz } from "./fuzz.ts";
import { type Command, Pair, type StreamedRead, type Terms } from "./pair_model.ts";

const size: fc.Arbitrary<number> = fc.oneof(
  { arbitrary: fc.nat(40), weight: 12 },
  { arbitrary: fc.constantFrom(0, 125, 126, 127, 300, 1_024), weight: 6 },
  { arbitrary: fc.constantFrom(4_095, 5_000, 9_000), weight: 2 },
  { arbitrary: fc.constantFrom(65_535, 65_536, 70_000), weight: 1 },
);

const streamedRead: fc.Arbitrary<StreamedRead> = fc.oneof(
  fc.record({ how: fc.constantFrom("text", "bytes", "default", "cancel", "skip") }),
  fc.record({ how: fc.constantFrom("byob", "two byob", "min"), size: fc.constantFrom(1, 7, 100, 5_000) })
    .map((read) => read.size === 1 ? { ...read, size: 16 } : read),
  fc.record({ how: fc.constant("part"), reads: fc.nat(2) }),
);

const weighted: readonly (readonly [weight: number, fc.Arbitrary<Command>])[] = [
  [10, fc.record({ do: fc.constantFrom("send", "prepare"), text: fc.boolean(), size })],
  [
    4,
    fc.record({
      do: fc.constant("sendStream"),
      text: fc.boolean(),
      sizes: fc.array(size, { maxLength: 3 }),
      fails: fc.integer({ min: 0, max: 19 }).map((n) => n === 0),
    }),
  ],
  [1, fc.record({ do: fc.constant("sendInPull"), sizes: fc.array(size, { maxLength: 2 }) })],
  [2, fc.record({ do: fc.constant("ping") })],
  [
    5,
    fc.record({
      do: fc.constant("iterate"),
      count: fc.integer({ min: 1, max: 4 }),
      how: fc.constantFrom("ahead", "plainly", "and reply"),
    }),
  ],
  [3, fc.record({ do: fc.constant("read"), count: fc.integer({ min: 1, max: 4 }) })],
  [4, fc.record({ do: fc.constant("incoming"), read: streamedRead })],
  [1, fc.record({ do: fc.constant("close"), closeCode: fc.constantFrom(1000, 3000) })],
  [1, fc.constantFrom<Command>({ do: "abort" }, { do: "cut" })],
  [
    10,
    fc.record({
      do: fc.constant("deliver"),
      bytes: fc.constantFrom(1, 2, 3, 6, 14, 100, 4_000, 100_000),
      times: fc.integer({ min: 1, max: 6 }),
    }),
  ],
  [1, fc.record({ do: fc.constant("slow"), slow: fc.boolean() })],
  [6, fc.record({ do: fc.constant("wait") })],
];
const command = fc.oneof(...weighted.map(([weight, arbitrary]) => ({ arbitrary, weight })));

const terms: fc.Arbitrary<Terms> = fc.record({
  compression: fc.constantFrom("none", "none", "takeover", "no takeover"),
  highWaterMarks: fc.tuple(
    fc.constantFrom(65_536, 65_536, 1_000, 64, 1, 0),
    fc.constantFrom(65_536, 1_000, 1),
  ),
});

fuzz(
  "a connection does what a model of it does, whatever both ends do",
  10_000,
  fc.asyncProperty(
    terms,
    fc.array(fc.tuple(fc.constantFrom<0 | 1>(0, 1), command), { maxLength: 40, size: "max" }),
    async (terms, commands) => {
      const pair = new Pair(terms);
      for (const [at, command] of commands) await pair.run(at, command);
      await pair.finish();
    },
  ).beforeEach(() => void (watch.on = false)).afterEach(() => void (watch.on = true)),
  { long: 100, others: 1 },
);
