import { test } from "node:test";
import { assertEquals, assertThrows } from "#std/assert";
import {
  aBoolean,
  aFunction,
  anAbortSignal,
  aNumber,
  aPositiveNumber,
  aPositiveTime,
  aSocketPath,
  aString,
  aTime,
  checkChoice,
  checkNumber,
  checkShape,
} from "../../lib/options/checks.ts";
import { nearestName } from "../../lib/options/nearest_name.ts";
import { type Check, checkOptions } from "../../lib/options/option_table.ts";
import { aPem, pemText } from "../../lib/options/pem.ts";
import { assertLinear } from "../support/linear.ts";

const PEM = "-----BEGIN CERTIFICATE-----\nMA==\n-----END CERTIFICATE-----\n";
const PEM_BYTES = new TextEncoder().encode(PEM);

interface Row {
  readonly check: Check;
  readonly right: readonly unknown[];
  /** Of the wrong type: a TypeError. */
  readonly wrong: readonly unknown[];
  /** Of the right type, and out of range: a RangeError. */
  readonly far?: readonly unknown[];
}

const rows: Readonly<Record<string, Row>> = {
  "a boolean": { check: aBoolean, right: [true, false], wrong: [0, "true", null] },
  "a function": { check: aFunction, right: [() => {}, async () => {}, class {}], wrong: [{}, "f", null] },
  "a string": { check: aString, right: ["", "a"], wrong: [1, ["a"], null] },
  "an AbortSignal": {
    check: anAbortSignal,
    right: [AbortSignal.abort(), { aborted: false, addEventListener() {} }],
    wrong: [new AbortController(), true, null],
  },
  "a socket's path": { check: aSocketPath, right: ["/tmp/x", "x"], wrong: ["", "a\0b", 1, null] },
  "an object with members": {
    check: (value, name) => checkShape(value, name, "it", ["a"]),
    right: [{ a: 1 }],
    wrong: [{}, "a", null],
  },
  "an object of options": {
    check: (value, name) => checkOptions(name, value, { a: aBoolean }),
    right: [{}, { a: true }, { a: undefined }],
    wrong: [{ b: 1 }, { a: 1 }, [], "a", null],
  },
  "one of some": {
    check: (value, name) => checkChoice(value, name, ["a", "b"]),
    right: ["a", "b"],
    wrong: [1, null],
    far: ["", "c"],
  },
  "a number from 1 on": {
    check: aPositiveNumber,
    right: [1, 2 ** 53 - 1, Infinity],
    wrong: ["1", 1n, null, true],
    far: [0, -1, 1.5, NaN, -Infinity, 2 ** 53],
  },
  "a number between": {
    check: (value, name) => checkNumber(value, name, { from: 0, to: 9 }),
    right: [0, 9],
    wrong: ["1", null],
    far: [-1, 10, 1.5, NaN, Infinity],
  },
  "a time": {
    check: aTime,
    right: [0, 2 ** 31 - 1, Infinity],
    wrong: ["1", null],
    far: [-1, 0.5, NaN, 2 ** 31],
  },
  "a time of some length": {
    check: aPositiveTime,
    right: [1, 2 ** 31 - 1, Infinity],
    wrong: ["1", null],
    far: [0, -1, 0.5, NaN, 2 ** 31],
  },
  "PEM": {
    check: aPem,
    right: [PEM, PEM_BYTES, PEM_BYTES.buffer, new DataView(PEM_BYTES.buffer), `comment\n${PEM}`],
    wrong: ["", "/etc/cert.pem", new Uint8Array(0), Uint8Array.of(0x30, 0x82), [PEM], 1, null],
  },
};

for (const [name, { check, right, wrong, far = [] }] of Object.entries(rows)) {
  test(`options: ${name}`, () => {
    for (const value of right) check(value, "limit");
    for (const value of wrong) assertThrows(() => check(value, "limit"), TypeError, "Cannot set limit");
    for (const value of far) {
      assertThrows(() => check(value, "limit"), RangeError, "Cannot set limit: it must be");
    }
  });
}

const table = {
  maxMessageSize: aNumber,
  keepalive: (value: unknown, name: string) => checkOptions(name, value, { interval: aPositiveNumber }),
};

/** What is given, and what the error says. */
const objects: readonly (readonly [given: unknown, told: string])[] = [
  [8080, "Cannot set options: it must be an object, such as { port: 8080 }, not number"],
  ["chat", "Cannot set options: it must be an object, such as { port: 8080 }, not string"],
  [["chat"], "Cannot set options: it must be an object, such as { port: 8080 }, not an array"],
  [null, "Cannot set options: it must be an object, such as { port: 8080 }, not null"],
  [() => {}, "Cannot set options: it must be an object, such as { port: 8080 }, not function"],
  [{ maxMesageSize: 1 }, "Cannot set maxMesageSize: there is no such option, did you mean maxMessageSize?"],
  [{ MAXMESSAGESIZE: 1 }, "Cannot set MAXMESSAGESIZE: there is no such option, did you mean maxMessageSize?"],
  [{ maxPayload: undefined }, "Cannot set maxPayload: there is no such option, did you mean maxMessageSize?"],
  [{ keepAlive: {} }, "Cannot set keepAlive: there is no such option, did you mean keepalive?"],
  [
    { keepalive: { intervall: 1 } },
    "Cannot set keepalive.intervall: there is no such option, did you mean keepalive.interval?",
  ],
  [{ keepalive: { interval: 0 } }, "Cannot set keepalive.interval: it must be a whole number from 1 on"],
  [{ toString: 1 }, "Cannot set toString: there is no such option"],
  [JSON.parse(`{ "__proto__": 1 }`), "Cannot set __proto__: there is no such option"],
  [{ maxMessageSize: null }, "Cannot set maxMessageSize: it must be a number, not null"],
  [Object.create({ maxMessageSize: -1 }), "Cannot set maxMessageSize: it must be a whole number from 0 on"],
];
for (const [given, told] of objects) {
  test(`options: ${told.replace("Cannot set ", "")}`, () => {
    assertThrows(() => checkOptions("options", given, table, "{ port: 8080 }"), Error, told);
  });
}

test("options: what is not set is not checked", () => {
  for (const given of [{}, { maxMessageSize: undefined }, Object.create(null), Object.create({ other: 1 })]) {
    checkOptions("options", given, table);
  }
});

test("options: the nearest name has the fewest letters to change, or is what others call it", () => {
  const known = [
    "hostname",
    "origins",
    "maxMessageSize",
    "maxHeadSize",
    "compression",
    "closeCode",
    "reason",
  ];
  const nearest = [
    "origin",
    "Origin",
    "hostName",
    "host",
    "maxHeadersSize",
    "maxPayload",
    "perMessageDeflate",
    "code",
  ];
  assertEquals(nearest.map((name) => nearestName(name, known)), [
    "origins",
    "origins",
    "hostname",
    "hostname",
    "maxHeadSize",
    "maxMessageSize",
    "compression",
    "closeCode",
  ]);
});

test("options: a long unknown name takes no longer than a short one", () => {
  assertLinear((size) => {
    const known = Array.from({ length: 40 }, () => "maxMessageSize");
    for (let i = 0; i < 4; i++) nearestName("a".repeat(size), known);
  }, 100_000);
});

test("options: PEM is read as text", () => {
  for (const pem of [PEM, PEM_BYTES, PEM_BYTES.buffer, new DataView(PEM_BYTES.buffer)]) {
    assertEquals(pemText(pem), PEM);
  }
});
