import { assert, assertEquals, assertLessOrEqual, assertThrows } from "#std/assert";
import fc from "fast-check";
import { test } from "node:test";
import { constants, deflateRawSync, inflateRawSync } from "node:zlib";
import { zlibCodec } from "../../lib/adapters/zlib/codec.ts";
import { WebSocketError } from "../../lib/errors.ts";
import type { DeflateOptions, Inflater } from "../../lib/protocol/deflate_codec.ts";
import { check } from "../support/property.ts";
import { whole } from "../vectors/deflate_blocks.ts";
import { concat, fromHex, sameBytes, show, toHex } from "../vectors/hex.ts";
import { splitAt } from "../vectors/splits.ts";
import { inflateAll, inflateOrFault, inflatePart, json, messageBytes, noise, TAIL } from "./codec.ts";

const DEFAULTS: DeflateOptions = { windowBits: 15, memLevel: 5, level: 1, takeover: false };
const WINDOWS = [9, 10, 11, 12, 13, 14, 15];
const SYNC = { finishFlush: constants.Z_SYNC_FLUSH };

function same(actual: Uint8Array, expected: Uint8Array, what: string): void {
  if (!sameBytes(actual, expected)) assertEquals(show(actual), show(expected), what);
}

/** Compresses as the platform's one-shot call does, and cuts off the tail. */
function platformDeflate(message: Uint8Array, options: Omit<DeflateOptions, "takeover">): Uint8Array {
  const { windowBits, memLevel, level } = options;
  const bytes = deflateRawSync(message, { windowBits, memLevel, level, ...SYNC });
  assertEquals(toHex(bytes.subarray(-4)), toHex(TAIL));
  return bytes.subarray(0, -4);
}

const options: fc.Arbitrary<DeflateOptions> = fc.record({
  windowBits: fc.integer({ min: 9, max: 15 }),
  memLevel: fc.integer({ min: 1, max: 9 }),
  level: fc.integer({ min: 0, max: 9 }),
  takeover: fc.boolean(),
});
const cuts = fc.array(fc.nat(300_000), { maxLength: 6 });

test("property: what is deflated is inflated to the same, in any setting, many messages in a row, cut anywhere", () => {
  const messages = fc.array(fc.tuple(messageBytes, cuts), { minLength: 1, maxLength: 5 });
  const property = fc.property(options, messages, (options, messages) => {
    const deflater = zlibCodec.deflater(options);
    const inflater = zlibCodec.inflater(options);
    for (const [message, cuts] of messages) {
      const payload = deflater.deflate(message).slice();
      same(inflateAll(inflater, splitAt(payload, cuts)), message, "the message");
    }
  });
  check(property, { numRuns: 120 });
});

test("property: what is deflated is what the platform inflates, and the tail is cut off", () => {
  const property = fc.property(options, fc.array(messageBytes, { maxLength: 4 }), (options, messages) => {
    const deflater = zlibCodec.deflater(options);
    const stream: Uint8Array[] = [];
    for (const message of messages) {
      const payload = deflater.deflate(message).slice();
      stream.push(payload, TAIL);
      if (options.takeover) continue;
      same(inflateRawSync(concat([payload, TAIL]), SYNC), message, "the message alone");
    }
    // Messages that refer to each other are one stream; and so are those that do not.
    same(inflateRawSync(concat(stream), SYNC), concat(messages), "all messages");
  });
  check(property, { numRuns: 80 });
});

test("property: what the platform deflates is inflated, with BFINAL and without", () => {
  const property = fc.property(options, messageBytes, cuts, fc.boolean(), (options, message, cuts, final) => {
    const { windowBits, memLevel, level, takeover } = options;
    const payload = final
      ? deflateRawSync(message, { windowBits, memLevel, level })
      : platformDeflate(message, options);
    const inflater = zlibCodec.inflater({ windowBits, takeover });
    for (let i = 0; i < 2; i++) {
      same(inflateAll(inflater, splitAt(payload, cuts)), message, `message ${i}`);
    }
  });
  check(property, { numRuns: 80 });
});

test("property: random bytes are inflated or refused, and the next connection is not disturbed", () => {
  const property = fc.property(
    fc.uint8Array({ maxLength: 60 }),
    cuts,
    fc.boolean(),
    (bytes, cuts, takeover) => {
      const whole = inflateOrFault(zlibCodec.inflater({ windowBits: 15, takeover }), [bytes]);
      const cut = inflateOrFault(zlibCodec.inflater({ windowBits: 15, takeover }), splitAt(bytes, cuts));
      assertEquals(cut, whole);
      assert(typeof whole !== "string" || whole === "invalid-deflate");
      const next = inflateAll(zlibCodec.inflater({ windowBits: 15, takeover }), [fromHex("f248cdc9c90700")]);
      assertEquals(toHex(next), "48656c6c6f");
    },
  );
  check(property, { numRuns: 1_000 });
});

test("a block of no known kind is refused at once, and not when the message ends", () => {
  const inflater = zlibCodec.inflater({ windowBits: 15, takeover: false });
  const error = assertThrows(() => inflatePart(inflater, Uint8Array.of(0x06), () => {}), WebSocketError);
  assertEquals(error.code, "invalid-deflate");
  inflater.close();
});

for (const windowBits of WINDOWS) {
  test(`a window of ${windowBits} bits wraps many times over, with takeover, and never reaches further back`, () => {
    const deflater = zlibCodec.deflater({ ...DEFAULTS, windowBits, level: 9, takeover: true });
    const inflater = zlibCodec.inflater({ windowBits, takeover: true });
    // The same message comes again just within the window, and just outside of it.
    const near = 2 ** windowBits - 300;
    const messages = [200, near, 200, 2 ** windowBits, 200, 3 * 2 ** windowBits + 1, 200, 1, 200]
      .map((size, i) => size === 200 ? json(200, 7) : noise(size, i));
    const stream: Uint8Array[] = [];
    for (let round = 0; round < 4; round++) {
      for (const message of messages) {
        const payload = deflater.deflate(message).slice();
        stream.push(payload, TAIL);
        same(inflateAll(inflater, [payload]), message, `${message.length} bytes`);
      }
    }
    const all = inflateRawSync(concat(stream), { windowBits, ...SYNC });
    same(all, concat(Array.from({ length: 4 }, () => messages).flat()), "within a window of that size");
  });

  test(`a message of a window of ${windowBits} bits refers to the one before it, as far as the window goes`, () => {
    const size = 2 ** windowBits;
    const text = String.fromCharCode(...json(size + 8, 3));
    const inflater = zlibCodec.inflater({ windowBits, takeover: true });
    inflateAll(inflater, [whole([{ stored: text }])]);
    const farthest = inflateAll(inflater, [whole([{ fixed: [[8 as const, size] as const] }])]);
    assertEquals(String.fromCharCode(...farthest), text.slice(8, 16));
    if (windowBits === 15) return;
    const further = whole([{ fixed: [[8, size + 1]] }]);
    assertEquals(inflateOrFault(inflater, [further]), "invalid-deflate");
  });
}

test("with takeover a message that came before costs next to nothing", () => {
  const message = json(1_000, 5);
  const kept = zlibCodec.deflater({ ...DEFAULTS, takeover: true });
  const sizes = [1, 2, 3].map(() => kept.deflate(message).length);
  assert(sizes[1]! < sizes[0]! / 5 && sizes[2]! < sizes[0]! / 5, `${sizes}`);
  const fresh = zlibCodec.deflater(DEFAULTS);
  const payloads = [1, 2, 3].map(() => toHex(fresh.deflate(message)));
  assertEquals(new Set(payloads).size, 1);
});

test("compressors without takeover know nothing of each other, nor of others' settings", () => {
  const base = { ...DEFAULTS, level: 6 };
  const settings = [base, { ...base, windowBits: 9 }, { ...base, level: 1 }, { ...base, memLevel: 1 }];
  const message = json(20_000, 5);
  const alone = settings.map((options) => toHex(zlibCodec.deflater(options).deflate(message)));
  assertEquals(new Set(alone).size, settings.length);
  const deflaters = [...settings, ...settings].map((options) => zlibCodec.deflater(options));
  for (let round = 0; round < 3; round++) {
    assertEquals(deflaters.map((deflater) => toHex(deflater.deflate(message))), [...alone, ...alone]);
    deflaters.forEach((deflater, i) => deflater.deflate(noise(5_000, i)));
  }
});

test("compressors with takeover each have their own window", () => {
  const ends = [1, 2, 3].map(() => ({
    deflater: zlibCodec.deflater({ ...DEFAULTS, takeover: true }),
    inflater: zlibCodec.inflater({ windowBits: 15, takeover: true }),
  }));
  for (let round = 0; round < 5; round++) {
    for (const [i, { deflater, inflater }] of ends.entries()) {
      const message = json(3_000, i);
      same(inflateAll(inflater, [deflater.deflate(message)]), message, `end ${i}`);
    }
  }
});

for (const takeover of [false, true]) {
  test(`an empty message is one byte, ${takeover ? "with" : "without"} takeover (RFC 7692 §7.2.3.6)`, () => {
    const deflater = zlibCodec.deflater({ ...DEFAULTS, takeover });
    const inflater = zlibCodec.inflater({ windowBits: 15, takeover });
    for (const text of ["", "Hello", "", "", "Hello"]) {
      const message = new TextEncoder().encode(text);
      const payload = deflater.deflate(message).slice();
      if (text === "") assertEquals(toHex(payload), "00");
      same(inflateAll(inflater, [payload]), message, text);
    }
  });
}

test("Hello is compressed as RFC 7692 §7.2.3.1 prints it", () => {
  for (const windowBits of WINDOWS) {
    const payload = zlibCodec.deflater({ ...DEFAULTS, windowBits }).deflate(
      new TextEncoder().encode("Hello"),
    );
    assertEquals(toHex(payload), "f248cdc9c90700");
  }
});

test("a payload of any size around the 64 KiB that come out at once is whole", () => {
  for (const level of [0, 1]) {
    const deflater = zlibCodec.deflater({ ...DEFAULTS, level });
    const inflater = zlibCodec.inflater(DEFAULTS);
    for (const [from, to] of [[62_050, 62_200], [65_490, 65_550], [131_020, 131_080]] as const) {
      const message = noise(to, 11);
      for (let size = from; size < to; size++) {
        const payload = deflater.deflate(message.subarray(0, size));
        same(inflateAll(inflater, [payload]), message.subarray(0, size), `${size} bytes at level ${level}`);
      }
    }
  }
});

test("a message of 3 MiB and a small one behind it are not mixed up", () => {
  for (const takeover of [false, true]) {
    const deflater = zlibCodec.deflater({ ...DEFAULTS, takeover });
    const inflater = zlibCodec.inflater({ windowBits: 15, takeover });
    for (const message of [noise(3_145_728, 1), json(100, 2), new Uint8Array(3_145_728), json(100, 2)]) {
      same(inflateAll(inflater, [deflater.deflate(message)]), message, `${message.length} bytes`);
    }
  }
});

test("the message is only read: the caller's bytes stay as they are", () => {
  const message = json(5_000, 9);
  const before = message.slice();
  const payload = zlibCodec.deflater(DEFAULTS).deflate(message).slice();
  const sent = payload.slice();
  inflateAll(zlibCodec.inflater(DEFAULTS), [payload]);
  same(message, before, "the message");
  same(payload, sent, "the payload");
});

test("how much is still to come out of a part is told about right, and nothing once it is used up", () => {
  for (const message of [new Uint8Array(1_048_576), json(300_000, 9), noise(300_000, 9)]) {
    const inflater = zlibCodec.inflater(DEFAULTS);
    inflater.write(platformDeflate(message, DEFAULTS));
    let size = inflater.read()!.length;
    const guessed = size + inflater.expected!;
    assert(Math.abs(guessed - message.length) < message.length / 5, `${guessed} of ${message.length}`);
    for (let bytes = inflater.read(); bytes !== undefined; bytes = inflater.read()) size += bytes.length;
    assertEquals([size, inflater.expected], [message.length, 0]);
    inflater.end();
    assertEquals(inflater.expected, 0);
  }
});

/** Messages of several connections, in parts, of which the tests take one at a time in turn. */
interface Line {
  inflater: Inflater;
  parts: Uint8Array[];
  expected: Uint8Array;
  taken: Uint8Array[];
}

test("property: connections whose messages arrive in turns, part by part, do not disturb each other", () => {
  const line = fc.tuple(messageBytes, cuts, fc.boolean(), fc.constantFrom("good", "broken", "given up"));
  const property = fc.property(
    fc.array(line, { minLength: 2, maxLength: 6 }),
    fc.array(fc.nat(5)),
    (all, turns) => {
      const lines = all.map(([message, cuts, takeover, fate]): Line & { fate: string } => {
        const payload = platformDeflate(message, DEFAULTS);
        const parts = splitAt(payload, cuts).map((part) => part.slice());
        if (fate === "broken") {
          parts.splice(Math.floor(parts.length / 2), 0, Uint8Array.of(0xff, 0xff, 0xff, 0xff));
        }
        const inflater = zlibCodec.inflater({ windowBits: 15, takeover });
        return { inflater, parts, expected: message, taken: [], fate };
      });
      const step = (line: Line & { fate: string }) => {
        const part = line.parts.shift();
        try {
          if (part !== undefined) inflatePart(line.inflater, part, (bytes) => line.taken.push(bytes.slice()));
        } catch (error) {
          if (!(error instanceof WebSocketError) || line.fate !== "broken") throw error;
          line.parts = [];
          line.inflater.close();
        }
        if (line.fate === "given up" && line.parts.length <= 1) {
          line.parts = [];
          line.inflater.close();
        }
      };
      for (const turn of turns) step(lines[turn % lines.length]!);
      while (lines.some(({ parts }) => parts.length > 0)) lines.forEach(step);
      for (const { inflater, expected, taken, fate } of lines) {
        if (fate !== "good") continue;
        inflater.end();
        same(concat(taken), expected, "the message");
      }
    },
  );
  check(property, { numRuns: 150 });
});

test("what an unfinished message still held back does not get into another that is under way", () => {
  const options = { windowBits: 15, takeover: true };
  const deflater = zlibCodec.deflater({ ...DEFAULTS, takeover: true });
  const [first, second] = [noise(5_000, 1), concat([noise(5_000, 1), noise(100, 2)])];
  const payloads = [first, second].map((message) => deflater.deflate(message).slice());
  const [inflater, other] = [zlibCodec.inflater(options), zlibCodec.inflater(options)];
  const taken: Uint8Array[] = [];
  const take = (bytes: Uint8Array) => taken.push(bytes.slice());
  // A stored block of 100 bytes that brings 50: the end of the message shows it more.
  inflatePart(other, concat([fromHex("0064009bff"), noise(50, 3)]), () => {});
  inflatePart(inflater, payloads[0]!, take);
  assertThrows(() => other.end(), WebSocketError);
  inflater.end();
  inflatePart(inflater, payloads[1]!, take);
  inflater.end();
  same(concat(taken), concat([first, second]), "both messages");
});

test("more connections at once than there are idle decompressors: each gets its message", () => {
  const messages = Array.from({ length: 60 }, (_, i) => json(2_000 + i, i));
  const payloads = messages.map((message) => platformDeflate(message, DEFAULTS).slice());
  for (let round = 0; round < 2; round++) {
    const inflaters = messages.map((_, i) => zlibCodec.inflater({ windowBits: 15, takeover: i % 2 === 0 }));
    const taken: Uint8Array[][] = messages.map(() => []);
    const write = (i: number, part: Uint8Array) =>
      inflatePart(inflaters[i]!, part, (bytes) => taken[i]!.push(bytes.slice()));
    payloads.forEach((payload, i) => write(i, payload.subarray(0, 100)));
    payloads.forEach((payload, i) => write(i, payload.subarray(100)));
    inflaters.forEach((inflater, i) => {
      inflater.end();
      same(concat(taken[i]!), messages[i]!, `connection ${i}`);
    });
  }
});

for (const takeover of [false, true]) {
  const setting = `${takeover ? "with" : "without"} takeover`;

  test(`an inflater ${setting} may be closed at any time, more than once`, () => {
    const inflater = zlibCodec.inflater({ windowBits: 15, takeover });
    inflater.close();
    inflatePart(inflater, fromHex("f248cd"), () => {});
    inflater.close();
    inflater.close();
    // Had one decompressor been given back twice, these two would share it.
    const pair = [1, 2].map(() => zlibCodec.inflater({ windowBits: 15, takeover }));
    const taken: string[] = ["", ""];
    for (const byte of fromHex("f248cdc9c90700")) {
      pair.forEach((inflater, i) =>
        inflatePart(inflater, Uint8Array.of(byte), (bytes) => taken[i] += toHex(bytes))
      );
    }
    pair.forEach((inflater) => inflater.end());
    assertEquals(taken, ["48656c6c6f", "48656c6c6f"]);
  });

  test(`a bomb is stopped by whoever takes what comes out, 64 KiB at a time, ${setting}`, () => {
    const bomb = platformDeflate(new Uint8Array(50_000_000), { ...DEFAULTS, level: 9 });
    assertLessOrEqual(bomb.length, 50_000);
    for (const limit of [0, 1_000, 65_535, 65_536, 1_048_576]) {
      const inflater = zlibCodec.inflater({ windowBits: 15, takeover });
      let size = 0;
      let largest = 0;
      assertThrows(
        () =>
          inflatePart(inflater, bomb, (bytes) => {
            size += bytes.length;
            largest = Math.max(largest, bytes.length);
            if (size > limit) throw new WebSocketError("message-too-big");
          }),
        WebSocketError,
        "over the size limit",
      );
      assertLessOrEqual(size, limit + 65_536);
      assertLessOrEqual(largest, 65_536);
      inflater.close();
      const next = zlibCodec.inflater({ windowBits: 15, takeover });
      assertEquals(toHex(inflateAll(next, [fromHex("f248cdc9c90700")])), "48656c6c6f");
    }
  });
}

test("takeover is not of what a message before it was given up with", () => {
  // The window is that of the last whole message; nothing of one that failed is kept for another connection.
  const first = zlibCodec.inflater({ windowBits: 15, takeover: true });
  inflatePart(first, whole([{ stored: "secret" }]), () => {});
  first.close();
  const second = zlibCodec.inflater({ windowBits: 15, takeover: true });
  assertEquals(inflateOrFault(second, [whole([{ fixed: [[6, 6]] }])]), "invalid-deflate");
  const third = zlibCodec.inflater({ windowBits: 15, takeover: false });
  inflateAll(third, [whole([{ stored: "secret" }])]);
  assertEquals(inflateOrFault(third, [whole([{ fixed: [[6, 6]] }])]), "invalid-deflate");
});
