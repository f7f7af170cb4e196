import { test } from "node:test";
import { assertEquals } from "#std/assert";
import { acceptKey, generateKey, isValidKey } from "../../lib/handshake/accept_key.ts";
import { SAMPLE_ACCEPT, SAMPLE_KEY } from "../vectors/handshake_server.ts";

test("the RFC's key gives the RFC's accept (RFC 6455 §1.3)", async () => {
  assertEquals(await acceptKey(SAMPLE_KEY), SAMPLE_ACCEPT);
});

test("another known key gives its accept", async () => {
  assertEquals(await acceptKey("x3JJHMbDL1EzLkh9GBhXDw=="), "HSmrc0sMlYUkAGmm5OPpG2HaGWk=");
});

test("many keys at once do not mix", async () => {
  const keys = Array.from({ length: 100 }, (_, i) => i % 2 ? SAMPLE_KEY : generateKey());
  const accepts = await Promise.all(keys.map(acceptKey));
  assertEquals(accepts.filter((accept) => accept === SAMPLE_ACCEPT).length, 50);
  assertEquals(new Set(accepts).size, 51);
});

test("generated keys are valid, of 16 bytes, and never the same", () => {
  const keys = Array.from({ length: 1_000 }, generateKey);
  assertEquals(keys.every((key) => isValidKey(key) && atob(key).length === 16), true);
  assertEquals(new Set(keys).size, 1_000);
});

for (
  const [key, valid] of [
    [SAMPLE_KEY, true],
    ["AAAAAAAAAAAAAAAAAAAAAA==", true],
    ["++++//////////////////==", true],
    ["dGhlIHNhbXBsZSBub25jZR==", true],
    ["", false],
    ["dGhlIHNhbXBsZSBub25jZQ", false],
    ["dGhlIHNhbXBsZSBub25jZQ=", false],
    ["dGhlIHNhbXBsZSBub25jZQA=", false],
    ["dGhlIHNhbXBsZSBub25jZQAA", false],
    ["dGhlIHNhbXBsZSBub25j=Q==", false],
    ["dGhlIHNhbXBsZSBub25 ZQ==", false],
    ["dGhlIHNhbXBsZSBub25-ZQ==", false],
    ["dGhlIHNhbXBsZSBub25\u0141ZQ==", false],
    ["dGhlIHNhbXBsZSBub25jZQA==", false],
    ["dGhlIHNhbXBsZSBub25jZQAA==", false],
    [` ${SAMPLE_KEY}`, false],
  ] as const
) {
  test(`${JSON.stringify(key)} is ${valid ? "a" : "no"} key`, () => assertEquals(isValidKey(key), valid));
}
