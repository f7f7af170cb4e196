import { assert, assertEquals, assertLessOrEqual } from "#std/assert";
import fc from "fast-check";
import { HANDSHAKE_FAULTS, HandshakeError } from "../../lib/errors.ts";
import { checkUpgradeResponse } from "../../lib/handshake/client_handshake.ts";
import { type HeadLimits, RequestHeadParser, ResponseHeadParser } from "../../lib/handshake/head_parser.ts";
import { isAllowedOrigin } from "../../lib/handshake/origin.ts";
import { requestUrl } from "../../lib/handshake/request_url.ts";
import { bodyLength, checkUpgrade, isUpgrade } from "../../lib/handshake/server_handshake.ts";
import { readHead, type Reading } from "../handshake/read_head.ts";
import { CLIENT_ROWS } from "../vectors/handshake_client.ts";
import { SAMPLE_ACCEPT, SERVER_ROWS } from "../vectors/handshake_server.ts";
import { fromLatin1, latin1, splitAt } from "../vectors/splits.ts";
import { fuzz, largestAllocation } from "./fuzz.ts";
import { cuts } from "./streams.ts";

/** RFC 9112 §3 to §5 as expressions; they are for heads of a few hundred bytes. */
const LINES = "(?:[!#$%&'*+\\-.^_`|~0-9A-Za-z]+:[\\t\\x20-\\x7e\\x80-\\xff]*\\r\\n)*\\r\\n";
const REQUEST = new RegExp(`^(?:\\r\\n)?[!#$%&'*+\\-.^_\`|~0-9A-Za-z]+ [!-~]+ HTTP/1\\.[01]\\r\\n${LINES}`);
const RESPONSE = new RegExp(`^HTTP/1\\.1 [1-9][0-9]{2}(?: [\\t\\x20-\\x7e\\x80-\\xff]*)?\\r\\n${LINES}`);

interface Mutation {
  readonly kind: "set" | "drop" | "insert" | "repeat" | "swap" | "cut";
  readonly at: number;
  readonly text: string;
}

const mutation: fc.Arbitrary<Mutation> = fc.record({
  kind: fc.constantFrom("set", "drop", "insert", "repeat", "swap", "cut"),
  at: fc.nat(400),
  text: fc.oneof(
    fc.constantFrom(
      "\r",
      "\n",
      "\r\n",
      "\r\n\r\n",
      " ",
      "\t",
      ":",
      ",",
      ";",
      "=",
      '"',
      "\0",
      "\x7f",
      "\x80",
      "\xff",
    ),
    fc.constantFrom(
      "Host: b\r\n",
      "X:\r\n",
      "Upgrade: h2c\r\n",
      "Content-Length: 5\r\n",
      "__proto__: 1\r\n",
      "[",
      "%",
      "a".repeat(300),
    ),
  ),
});

function mutate(head: string, { kind, at, text }: Mutation): string {
  const place = at % (head.length + 1);
  const [before, after] = [head.slice(0, place), head.slice(place)];
  switch (kind) {
    case "set":
      return before + text + after.slice(text.length);
    case "drop":
      return before + after.slice(1);
    case "insert":
      return before + text + after;
    case "repeat":
      return before + after.slice(0, 40).repeat(3) + after;
    case "swap":
      return before + after.slice(1, 2) + after.slice(0, 1) + after.slice(2);
    case "cut":
      return before;
  }
}

/** Heads of the vectors that are not long, with things done to them. */
function headsFrom(all: readonly string[]): fc.Arbitrary<string> {
  const heads = fc.constantFrom(...new Set(all.filter((head) => head.length < 600)));
  const mutations = fc.oneof(fc.constant([]), fc.array(mutation, { maxLength: 3 }));
  const mutated = fc.tuple(heads, mutations).map(([head, mutations]) => mutations.reduce(mutate, head));
  const noise = fc.string({ unit: "binary", maxLength: 60 });
  return fc.oneof({ arbitrary: mutated, weight: 9 }, { arbitrary: noise, weight: 1 });
}

const limits: fc.Arbitrary<HeadLimits> = fc.oneof(
  fc.constant({}),
  fc.record({ maxHeadSize: fc.constantFrom(1, 64, 200, 16_384), maxHeaders: fc.constantFrom(1, 4, 100) }),
);

/** Reads a head, cut and whole, and holds the reader to what must be so whatever it is. */
function read<Head>(
  makeParser: (limits: HeadLimits) => Parameters<typeof readHead<Head>>[0],
  text: string,
  { limits, places, grammar }: { limits: HeadLimits; places: readonly number[]; grammar: RegExp },
): Head | undefined {
  const bytes = latin1(text);
  let reading!: Reading<Head>;
  const largest = largestAllocation(() => reading = readHead(makeParser(limits), splitAt(bytes, places)));
  assertLessOrEqual(largest, Math.max(1_024, 2 * Math.min(bytes.length, limits.maxHeadSize ?? 16_384)));
  assertEquals(outcome(reading), outcome(readHead(makeParser(limits), [bytes])));
  assertLessOrEqual(reading.used, bytes.length);
  const match = grammar.exec(text);
  if ("head" in reading) {
    assertEquals(match?.[0].length, reading.used);
    assertEquals(text.slice(reading.used), fromLatin1(reading.rest));
    assertLessOrEqual(reading.used, limits.maxHeadSize ?? 16_384);
    return reading.head;
  }
  if ("fault" in reading) assertEquals(reading.fault.status, HANDSHAKE_FAULTS[reading.fault.code][0]);
  const limited = "fault" in reading && [431, 414].includes(reading.fault.status!);
  assert(match === null || limited, "a head that the grammar allows was refused");
  return undefined;
}

function outcome<Head>(reading: Reading<Head>): string {
  if ("fault" in reading) return reading.fault.code;
  return "head" in reading ? JSON.stringify(reading.head) + fromLatin1(reading.rest) : "incomplete";
}

/** Runs something that may throw what is in the table, and nothing else. */
function faultOf(run: () => unknown): string | undefined {
  try {
    run();
    return undefined;
  } catch (error) {
    if (!(error instanceof HandshakeError)) throw error;
    assert(error.code in HANDSHAKE_FAULTS);
    return error.code;
  }
}

const requests = headsFrom(SERVER_ROWS.map(({ request }) => request));

fuzz(
  "any request gives a head or a fault of the table, as the grammar has it, however it is cut",
  20_000,
  fc.property(requests, limits, cuts, (text, limits, places) => {
    const head = read((limits) => new RequestHeadParser(limits), text, { limits, places, grammar: REQUEST });
    if (head === undefined) return;
    faultOf(() => requestUrl(head, { secure: false }));
    faultOf(() => bodyLength(head));
    faultOf(() => assertEquals(typeof isAllowedOrigin(head, undefined), "boolean"));
    const fault = faultOf(() => checkUpgrade(head));
    assertEquals(fault === "not-an-upgrade", !isUpgrade(head));
    if (fault === undefined) assertEquals(atob(checkUpgrade(head).key).length, 16);
  }),
);

const responses = headsFrom(
  CLIENT_ROWS.map(({ response }) => response.replaceAll("{accept}", SAMPLE_ACCEPT)),
);

fuzz(
  "any answer gives a head or a fault of the table, as the grammar has it, however it is cut",
  12_000,
  fc.property(responses, limits, cuts, (text, limits, places) => {
    const head = read((limits) => new ResponseHeadParser(limits), text, {
      limits,
      places,
      grammar: RESPONSE,
    });
    if (head === undefined) return;
    const protocols = ["chat", "superchat"];
    const fault = faultOf(() => {
      const { protocol } = checkUpgradeResponse(head, { accept: SAMPLE_ACCEPT, protocols, extensions: true });
      assert(protocol === "" || protocols.includes(protocol));
    });
    if (fault === undefined) assertEquals(head.status, 101);
  }),
);
