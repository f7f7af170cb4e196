import { assert, assertEquals, assertLessOrEqual } from "#std/assert";
import fc from "fast-check";
import {
  acceptDeflate,
  checkDeflateAnswer,
  type DeflateSettings,
  offerDeflate,
  readCompression,
} from "../../lib/handshake/deflate_negotiation.ts";
import { type Extension, formatExtension, parseExtensions } from "../../lib/handshake/extensions.ts";
import { fuzz } from "./fuzz.ts";

const TOKEN = "[!#$%&'*+\\-.^_`|~0-9A-Za-z]+";
const SPACE = "[ \\t]*";
/** RFC 6455 §9.1: a quoted value must be a token once its backslashes are taken out. */
const VALUE = `(?:${TOKEN}|"(?:\\\\?[!#$%&'*+\\-.^_\`|~0-9A-Za-z])+")`;
const PARAMETER = `;${SPACE}${TOKEN}${SPACE}(?:=${SPACE}${VALUE}${SPACE})?`;
const EXTENSION = `${TOKEN}${SPACE}(?:${PARAMETER})*`;
/** The grammar as the RFC prints it; it takes its time, which the parser must not. */
const GRAMMAR = new RegExp(`^${SPACE}${EXTENSION}(?:,${SPACE}${EXTENSION})*$`);

const NAMES = ["permessage-deflate", "x", "constructor", "__proto__", "toString"];
const PARAMETERS = [
  ...["server_no_context_takeover", "client_no_context_takeover", "server_max_window_bits"],
  ...["client_max_window_bits", "hasOwnProperty", "q"],
];
const VALUES = [
  ...["8", "9", "15", "7", "16", "010", "1e1", "-1", "", "a b"],
  ...['"15"', '"1\\5"', '""', '"a b"', '"@"', '"\\""', '"\x80"', '"'],
];

const piece = fc.constantFrom(";", ";", ",", "=", " ", "\t", '"', "\\", "\x80", "\0", "a", "é", "@", "x");
const noise = fc.oneof(
  fc.array(fc.oneof(piece, fc.constantFrom(...NAMES, ...PARAMETERS, ...VALUES)), { maxLength: 14 }).map((
    all,
  ) => all.join("")),
  fc.string({ unit: "binary", maxLength: 24 }),
);

/** Extensions as they are written, most of them right. */
const written = fc.array(
  fc.tuple(
    fc.constantFrom(NAMES[0]!, NAMES[0]!, ...NAMES),
    fc.array(fc.tuple(fc.constantFrom(...PARAMETERS), fc.option(fc.constantFrom(...VALUES, "12", "14"))), {
      maxLength: 4,
    }),
    fc.constantFrom(", ", ",", " ,\t"),
  ),
  { maxLength: 3 },
).map((all) =>
  all.map(([name, parameters, comma], i) => {
    const list = parameters.map(([name, value]) => value === null ? `; ${name}` : `;${name}=${value}`);
    return `${i === 0 ? "" : comma}${name}${list.join("")}`;
  }).join("")
);

fuzz(
  "what parses as extensions is what the grammar allows, and comes back the same",
  12_000,
  fc.property(fc.oneof(noise, written), (text) => {
    const parsed = parseExtensions(text);
    assertEquals(parsed !== undefined, GRAMMAR.test(text));
    if (parsed === undefined) return;
    assertEquals(parseExtensions(parsed.map(formatExtension).join(", ")), parsed);
  }),
);

const settings: fc.Arbitrary<DeflateSettings> = fc.record({
  windowBits: fc.integer({ min: 9, max: 15 }),
  contextTakeover: fc.record({ server: fc.boolean(), client: fc.boolean() }),
}).map((options) => readCompression(options)!);

/** The window that an extension speaks of; 15 where it does not. */
function bitsOf(extension: Extension, name: string): number {
  return Number(extension.parameters.find(([own]) => own === name)?.[1] ?? 15);
}

const has = (extension: Extension, name: string) => extension.parameters.some(([own]) => own === name);

/** Whether RFC 7692 §7.1 allows a server to answer an offer so. */
function answers(answer: Extension, offer: Extension): boolean {
  const names = answer.parameters.map(([name]) => name);
  return answer.name === "permessage-deflate" && new Set(names).size === names.length &&
    (!has(offer, "server_no_context_takeover") || has(answer, "server_no_context_takeover")) &&
    (!has(offer, "server_max_window_bits") ||
      (has(answer, "server_max_window_bits") &&
        bitsOf(answer, "server_max_window_bits") <= bitsOf(offer, "server_max_window_bits"))) &&
    (!has(answer, "client_max_window_bits") ||
      (has(offer, "client_max_window_bits") &&
        bitsOf(answer, "client_max_window_bits") <= (bitsOf(offer, "client_max_window_bits") || 15)));
}

fuzz(
  "whatever is offered, the server's answer is one that RFC 7692 allows to one of the offers",
  8_000,
  fc.property(written, settings, (text, settings) => {
    const offers = parseExtensions(text) ?? [];
    const accepted = acceptDeflate(offers, settings);
    if (accepted === undefined) return;
    const [answer] = parseExtensions(accepted.header)!;
    const { deflateBits, inflateBits, deflateTakeover, inflateTakeover } = accepted.agreement;
    assert(offers.some((offer) => answers(answer!, offer)), accepted.header);
    for (const bits of [deflateBits, inflateBits]) assert(Number.isInteger(bits) && bits >= 8 && bits <= 15);
    assertLessOrEqual(deflateBits, bitsOf(answer!, "server_max_window_bits"));
    assertEquals(inflateBits, bitsOf(answer!, "client_max_window_bits"));
    assert(!deflateTakeover || !has(answer!, "server_no_context_takeover"));
    assertEquals(inflateTakeover, !has(answer!, "client_no_context_takeover"));
  }),
);

fuzz(
  "whatever a server answers, the client takes it only as the answer to its own offer",
  8_000,
  fc.property(written, settings, (text, settings) => {
    const answer = parseExtensions(text) ?? [];
    const agreement = checkDeflateAnswer(answer, settings);
    if (agreement === undefined) return;
    const [offer] = parseExtensions(offerDeflate(settings))!;
    const [only] = answer;
    assertEquals(answer.length, 1);
    // A server that leaves out what it was asked for has a larger window, or keeps it: we are ready for that.
    if (has(only!, "server_max_window_bits")) {
      assertLessOrEqual(bitsOf(only!, "server_max_window_bits"), bitsOf(offer!, "server_max_window_bits"));
    }
    assertLessOrEqual(agreement.deflateBits, bitsOf(only!, "client_max_window_bits"));
    assertEquals(agreement.inflateBits, bitsOf(only!, "server_max_window_bits"));
    assertEquals(agreement.inflateTakeover, !has(only!, "server_no_context_takeover"));
    assert(!agreement.deflateTakeover || !has(only!, "client_no_context_takeover"));
  }),
);

fuzz(
  "two ends with any settings agree, and each reads what the other writes",
  2_000,
  fc.property(settings, settings, (client, server) => {
    const accepted = acceptDeflate(parseExtensions(offerDeflate(client))!, server)!;
    const confirmed = checkDeflateAnswer(parseExtensions(accepted.header)!, client)!;
    assertLessOrEqual(accepted.agreement.deflateBits, confirmed.inflateBits);
    assertLessOrEqual(confirmed.deflateBits, accepted.agreement.inflateBits);
    assert(!accepted.agreement.deflateTakeover || confirmed.inflateTakeover);
    assert(!confirmed.deflateTakeover || accepted.agreement.inflateTakeover);
  }),
);
