import { test } from "node:test";
import { assertEquals } from "#std/assert";
import { runtimes } from "../support/runtimes.ts";
import { fromHex } from "../vectors/hex.ts";
import { LONG } from "../support/long.ts";
import { titleOf } from "./case.ts";
import { CASES } from "./cases.ts";
import { readUtf8 } from "./utf8_grammar.ts";
import { UTF8_SECTIONS } from "./utf8_sequences.ts";

/** How many cases each section of the public list has, in groups 1 to 7, 9 and 10. */
const SECTIONS: Readonly<Record<string, number>> = {
  ...{ "1.1": 8, "1.2": 8, "2": 11, "3": 7, "4.1": 5, "4.2": 5, "5": 20 },
  ...{ "6.1": 3, "6.2": 4, "6.3": 2, "6.4": 4, "6.5": 5, "6.6": 11, "6.7": 4, "6.8": 2, "6.9": 4 },
  ...{ "6.10": 3, "6.11": 5, "6.12": 8, "6.13": 5, "6.14": 10, "6.15": 1, "6.16": 3, "6.17": 5 },
  ...{ "6.18": 5, "6.19": 5, "6.20": 7, "6.21": 8, "6.22": 34, "6.23": 7 },
  ...{ "7.1": 6, "7.3": 6, "7.5": 1, "7.7": 13, "7.9": 9, "7.13": 2 },
  ...{ "9.1": 6, "9.2": 6, "9.3": 9, "9.4": 9, "9.5": 6, "9.6": 6, "9.7": 6, "9.8": 6, "10.1": 1 },
};

/** What takes long, and is left to the long run. */
const ONLY_LONG = ["9.1.4", "9.1.5", "9.1.6", "9.2.4", "9.2.5", "9.2.6", "9.3.9", "9.4.9"];

test("conformance: every case of the public list has one here, and one only", () => {
  const listed = Object.entries(SECTIONS).flatMap(([section, count]) =>
    Array.from({ length: count }, (_, i) => `${section}.${i + 1}`)
  );
  const wanted = listed.filter((number) => LONG || !ONLY_LONG.includes(number));
  assertEquals(CASES.flatMap(({ autobahn }) => autobahn).toSorted(), wanted.toSorted());
  assertEquals(listed.length, 301);
});

test("conformance: no two cases have the same name", () => {
  const titles = CASES.map(titleOf);
  assertEquals(titles.filter((title, i) => titles.indexOf(title) !== i), []);
});

test("conformance: the octets that are said to be UTF-8 are, and the others are not", () => {
  for (const { hex, valid } of UTF8_SECTIONS.flatMap(({ rows }) => rows)) {
    assertEquals(readUtf8(fromHex(hex)).type === "text", valid, hex);
  }
});

test(`conformance: ${CASES.length} cases × 2 roles × ${runtimes.length} runtimes`, () => {
  assertEquals(CASES.length >= 301 - ONLY_LONG.length, true);
});
