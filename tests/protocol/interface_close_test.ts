import { test } from "node:test";
import { assertEquals, assertThrows } from "#std/assert";
import {
  clampToUnsignedShort,
  readCloseInfo,
  toUnsignedShortInRange,
} from "../../lib/protocol/interface_close.ts";
import { WebSocketError } from "../../mod.ts";

/** Values and what `[Clamp]` and `[EnforceRange]` make of them; `undefined` where that throws. */
const CONVERSIONS: readonly (readonly [unknown, number, number | undefined])[] = [
  [3000, 3000, 3000],
  ["3000", 3000, 3000],
  [" 0xBB8 ", 3000, 3000],
  [{ valueOf: () => 3000 }, 3000, 3000],
  [[3000], 3000, 3000],
  [2999.5, 3000, 2999],
  [3000.5, 3000, 3000],
  [3001.5, 3002, 3001],
  [0.5, 0, 0],
  [-0.4, 0, 0],
  [-0, 0, 0],
  [true, 1, 1],
  [null, 0, 0],
  ["", 0, 0],
  [-1, 0, undefined],
  [65_535, 65_535, 65_535],
  [65_535.9, 65_535, 65_535],
  [65_536, 65_535, undefined],
  [68_536, 65_535, undefined], // 3000 if it were taken modulo 2^16
  [Infinity, 65_535, undefined],
  [-Infinity, 0, undefined],
  [NaN, 0, undefined],
  ["none", 0, undefined],
  [{}, 0, undefined],
];

test("a code is converted as Web IDL says: clamped for WebSocket, in range for WebSocketStream", () => {
  for (const [value, clamped, inRange] of CONVERSIONS) {
    assertEquals(clampToUnsignedShort(value), clamped, String(value));
    if (inRange === undefined) assertThrows(() => toUnsignedShortInRange(value), TypeError);
    else assertEquals(toUnsignedShortInRange(value), inRange, String(value));
  }
  for (const value of [3000n, Symbol("3000")]) {
    assertThrows(() => clampToUnsignedShort(value), TypeError);
    assertThrows(() => toUnsignedShortInRange(value), TypeError);
  }
});

test("a close info is converted before it is checked, and is an object", () => {
  const nothing = { closeCode: undefined, reason: undefined };
  for (const info of [undefined, null, {}, () => {}, nothing]) assertEquals(readCloseInfo(info), nothing);
  assertEquals(readCloseInfo({ closeCode: "3000.5", reason: 7 }), { closeCode: 3000, reason: "7" });
  for (const info of [3000, "bye", true, 3000n]) assertThrows(() => readCloseInfo(info), TypeError);
  assertEquals(
    assertThrows(() => readCloseInfo({ closeCode: 1001 }), DOMException).name,
    "InvalidAccessError",
  );
  const long = { closeCode: 1000, reason: "ü".repeat(62) };
  assertEquals(assertThrows(() => readCloseInfo(long), DOMException).name, "SyntaxError");
});

test("a WebSocketError of the user's has a message, and a code and reason as the WHATWG says", () => {
  const facts = (...args: ConstructorParameters<typeof WebSocketError>) => {
    const { name, message, closeCode, reason, code, section } = new WebSocketError(...args);
    return [name, message, closeCode as unknown, reason, code, section];
  };
  const made = ["application", ""];
  assertEquals(facts(), ["WebSocketError", "", null, "", ...made]);
  assertEquals(facts(""), ["WebSocketError", "", null, "", ...made]);
  assertEquals(facts("", {}), ["WebSocketError", "", null, "", ...made]);
  assertEquals(facts("", { closeCode: 3000 }), ["WebSocketError", "", 3000, "", ...made]);
  assertEquals(facts("toString", { reason: "bye" }), ["WebSocketError", "toString", 1000, "bye", ...made]);
  assertEquals(facts("x", { closeCode: 4999, reason: "bye" }), ["WebSocketError", "x", 4999, "bye", ...made]);
  for (const closeCode of [0, 999, 1001, 2999, 5000]) {
    const { name } = assertThrows(() => new WebSocketError("", { closeCode }), DOMException);
    assertEquals(name, "InvalidAccessError");
  }
  const long = { reason: "ü".repeat(62) };
  assertEquals(assertThrows(() => new WebSocketError("", long), DOMException).name, "SyntaxError");
  // A word of the table makes the error of its row, as before.
  assertEquals(facts("close-timeout").slice(2), [1006, "", "close-timeout", "RFC 6455 §7.1.1"]);
});
