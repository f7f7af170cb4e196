import { assertEquals, assertThrows } from "#std/assert";
import fc from "fast-check";
import { test } from "node:test";
import { WebSocketError } from "../../lib/errors.ts";
import { isCloseCode, readClosePayload, writeClosePayload } from "../../lib/protocol/close_payload.ts";
import { check } from "../support/property.ts";
import { fromHex, toHex } from "../vectors/hex.ts";

const encoder = new TextEncoder();

test("exactly the codes of §7.4 and IANA's registry may be sent", () => {
  const ranges: [number, number][] = [];
  for (let code = 0; code <= 65_536; code++) {
    if (!isCloseCode(code)) continue;
    const last = ranges.at(-1);
    if (last?.[1] === code - 1) last[1] = code;
    else ranges.push([code, code]);
  }
  assertEquals(ranges, [[1000, 1003], [1007, 1014], [3000, 4999]]);
  assertEquals([NaN, -1000, Infinity, -Infinity].filter(isCloseCode), []);
});

test("code and reason come back, the reason cut at 123 bytes between two code points", () => {
  const code = fc.oneof(fc.integer({ min: 3000, max: 4999 }), fc.constantFrom(1000, 1001, 1003, 1011, 1014));
  const property = fc.property(code, fc.string({ unit: "binary", maxLength: 150 }), (closeCode, reason) => {
    const payload = writeClosePayload({ closeCode, reason });
    let cut = "";
    for (const point of reason) {
      if (encoder.encode(cut + point).length > 123) break;
      cut += point;
    }
    assertEquals(payload.length, 2 + encoder.encode(cut).length);
    assertEquals(readClosePayload(payload), { closeCode, reason: cut });
  });
  check(property, { numRuns: 300 });
});

for (
  const [name, reason, bytes] of [
    ["123 letters", "a".repeat(123), 123],
    ["124 letters", "a".repeat(124), 123],
    ["100,000 letters", "a".repeat(100_000), 123],
    ["61 × é and a letter", "é".repeat(61) + "a", 123],
    ["62 × é", "é".repeat(62), 122],
    ["41 × €", "€".repeat(41), 123],
    ["122 letters and €", "a".repeat(122) + "€", 122],
    ["121 letters and €", "a".repeat(121) + "€", 121],
    ["120 letters and €", "a".repeat(120) + "€", 123],
    ["120 letters and 😀", "a".repeat(120) + "😀", 120],
    ["119 letters and 😀", "a".repeat(119) + "😀", 123],
    ["42 lone surrogates", "\ud800".repeat(42), 123],
  ] as const
) {
  test(`a reason of ${name} is written in ${bytes} bytes (§5.5)`, () => {
    const payload = writeClosePayload({ closeCode: 1000, reason });
    assertEquals(payload.length, 2 + bytes);
    const whole = new TextDecoder().decode(encoder.encode(reason));
    assertEquals(whole.startsWith(readClosePayload(payload).reason), true);
  });
}

test("a code alone takes two bytes, the higher first", () => {
  assertEquals(toHex(writeClosePayload({ closeCode: 1000, reason: "" })), "03e8");
  assertEquals(toHex(writeClosePayload({ closeCode: 4999, reason: "" })), "1387");
});

test("no code is an empty payload, both ways (§7.1.5)", () => {
  assertEquals(writeClosePayload({ closeCode: 1005, reason: "" }).length, 0);
  assertEquals(writeClosePayload({ closeCode: 1005, reason: "ignored" }).length, 0);
  assertEquals(readClosePayload(new Uint8Array(0)), { closeCode: 1005, reason: "" });
});

test("lone surrogates in a reason become U+FFFD", () => {
  assertEquals(toHex(writeClosePayload({ closeCode: 1000, reason: "a\ud800b" })), "03e861efbfbd62");
});

test("a reason keeps U+FEFF and U+0000", () => {
  const info = { closeCode: 1000, reason: "\ufeffa\0" };
  assertEquals(readClosePayload(writeClosePayload(info)), info);
});

for (
  const [hex, code] of [
    ["03", "close-payload-short"],
    ["0000", "close-code-invalid"],
    ["03ed", "close-code-invalid"],
    ["03f8", "close-code-invalid"],
    ["ffff", "close-code-invalid"],
    ["03edff", "close-code-invalid"],
    ["03e8ff", "close-reason-utf8"],
    ["03e861e282", "close-reason-utf8"],
  ] as const
) {
  test(`the payload ${hex} is refused with ${code}`, () => {
    assertEquals(assertThrows(() => readClosePayload(fromHex(hex)), WebSocketError).code, code);
  });
}
