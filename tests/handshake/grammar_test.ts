import { test } from "node:test";
import { assertEquals } from "#std/assert";
import fc from "fast-check";
import { isFieldValue, isToken, listHas, parseTokenList } from "../../lib/handshake/grammar.ts";
import { check } from "../support/property.ts";

test("a token is made of exactly RFC 9110's token characters", () => {
  const tokens = Array.from({ length: 0x120 }, (_, code) => String.fromCharCode(code)).filter(isToken).join(
    "",
  );
  assertEquals(
    tokens,
    "!#$%&'*+-.0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ^_`abcdefghijklmnopqrstuvwxyz|~",
  );
});

test("one wrong character spoils a token, wherever it is", () => {
  assertEquals(["", " a", "a b", "a ", "a\u0141", "\u{1f600}"].filter(isToken), []);
});

test("a header value has no control character but HTAB, and nothing above U+00FF", () => {
  const refused = Array.from({ length: 0x120 }, (_, code) => code)
    .filter((code) => !isFieldValue(`a${String.fromCharCode(code)}b`));
  const controls = Array.from({ length: 0x20 }, (_, code) => code).filter((code) => code !== 9);
  assertEquals(refused, [...controls, 0x7f, ...Array.from({ length: 0x20 }, (_, i) => 0x100 + i)]);
  assertEquals(isFieldValue(""), true);
});

for (
  const [value, tokens] of [
    ["a", ["a"]],
    ["chat, superchat", ["chat", "superchat"]],
    ["a,b", ["a", "b"]],
    ["\t a \t,\tb ", ["a", "b"]],
    ["constructor,__proto__", ["constructor", "__proto__"]],
    ["", undefined],
    [" ", undefined],
    [",", undefined],
    ["a,", undefined],
    [",a", undefined],
    ["a,,b", undefined],
    ["a, ,b", undefined],
    ["a b", undefined],
    ['"a"', undefined],
    ["a;b", undefined],
    ["a\xa0", undefined],
    ["\u0161", undefined],
  ] as const
) {
  test(`the list ${JSON.stringify(value)} ${tokens ? `has ${tokens.length}` : "is malformed"}`, () => {
    assertEquals<readonly string[] | undefined>(parseTokenList(value), tokens);
  });
}

for (
  const [value, has] of [
    [undefined, false],
    ["", false],
    ["upgrade", true],
    ["UPGRADE", true],
    ["keep-alive, Upgrade", true],
    [" ,\t, upgrade\t,", true],
    ["upgrades", false],
    ["upgrade close", false],
    ["upgrade;q=1", false],
    ["\xa0upgrade", false],
    ["keep-alive", false],
  ] as const
) {
  test(`upgrade is ${has ? "" : "not "}in ${JSON.stringify(value)}`, () => {
    assertEquals(listHas(value, "upgrade"), has);
  });
}

test("property: joined tokens are parsed into the same", () => {
  const token = fc.string({ unit: fc.constantFrom(..."abz09!~"), minLength: 1, maxLength: 8 });
  const gap = fc.string({ unit: fc.constantFrom(" ", "\t"), maxLength: 3 });
  const property = fc.property(
    fc.array(token, { minLength: 1, maxLength: 10 }),
    gap,
    gap,
    (tokens, left, right) => {
      const list = tokens.join(`${left},${right}`);
      assertEquals(parseTokenList(list), tokens);
      assertEquals(tokens.every((token) => listHas(list.toUpperCase(), token)), true);
    },
  );
  check(property, { numRuns: 300 });
});
