import { assert, assertEquals, assertThrows } from "#std/assert";
import fc from "fast-check";
import { test } from "node:test";
import {
  acceptDeflate,
  checkDeflateAnswer,
  type CompressionOptions,
  type DeflateAgreement,
  type DeflateSettings,
  offerDeflate,
  readCompression,
} from "../../lib/handshake/deflate_negotiation.ts";
import { parseExtensions } from "../../lib/handshake/extensions.ts";
import { check } from "../support/property.ts";
import { type Agreed, ANSWER_ROWS, OFFER_ROWS } from "../vectors/deflate_offers.ts";

const DEFAULTS = {
  windowBits: 12,
  memLevel: 5,
  level: 1,
  threshold: 256,
  contextTakeover: { server: false, client: false },
};

function settings(options: CompressionOptions = {}): DeflateSettings {
  return readCompression(options)!;
}

/** An agreement as the vectors write it. */
function short(agreement: DeflateAgreement | undefined): Agreed | undefined {
  return agreement && {
    deflate: [agreement.deflateBits, agreement.deflateTakeover],
    inflate: [agreement.inflateBits, agreement.inflateTakeover],
  };
}

const show = (value: unknown): string => JSON.stringify(value);

for (const row of OFFER_ROWS) {
  const outcome = row.answer === undefined ? "declined" : "accepted";
  test(`deflate, server with ${show(row.settings)}: ${row.name} is ${outcome} (${row.section})`, () => {
    const accepted = acceptDeflate(parseExtensions(row.offer)!, settings(row.settings));
    assertEquals(accepted?.header, row.answer);
    if (row.agreed !== undefined) assertEquals(short(accepted?.agreement), row.agreed);
  });
}

for (const row of ANSWER_ROWS) {
  const outcome = row.agreed === undefined ? "refused" : "taken";
  test(`deflate, client with ${show(row.settings)}: ${row.name} is ${outcome} (${row.section})`, () => {
    const agreement = checkDeflateAnswer(parseExtensions(row.answer) ?? [], settings(row.settings));
    assertEquals(short(agreement), row.agreed);
  });
}

test("no two vectors have the same name and settings", () => {
  for (const rows of [OFFER_ROWS, ANSWER_ROWS]) {
    const names = rows.map(({ name, settings }) => `${show(settings)} ${name}`);
    assertEquals(names.filter((name, i) => names.indexOf(name) !== i), []);
  }
});

test("a request without extensions gets no compression", () => {
  assertEquals(acceptDeflate([], settings()), undefined);
  assertEquals(checkDeflateAnswer([], settings()), undefined);
});

for (
  const [options, offer] of [
    [{}, "client_max_window_bits; server_no_context_takeover; client_no_context_takeover"],
    [{ windowBits: 15 }, "client_max_window_bits; server_no_context_takeover; client_no_context_takeover"],
    [{ contextTakeover: true }, "client_max_window_bits; server_max_window_bits=12"],
    [{ contextTakeover: true, windowBits: 9 }, "client_max_window_bits; server_max_window_bits=9"],
    [{ contextTakeover: true, windowBits: 15 }, "client_max_window_bits"],
    [
      { contextTakeover: { server: true } },
      "client_max_window_bits; server_max_window_bits=12; client_no_context_takeover",
    ],
    [{ contextTakeover: { client: true } }, "client_max_window_bits; server_no_context_takeover"],
    [
      { contextTakeover: { client: true }, windowBits: 15, level: 9, memLevel: 9, threshold: 0 },
      "client_max_window_bits; server_no_context_takeover",
    ],
  ] as const
) {
  test(`deflate, client: the offer with ${show(options)}`, () => {
    assertEquals(offerDeflate(settings(options)), `permessage-deflate; ${offer}`);
  });
}

const takeover = fc.oneof(
  fc.boolean(),
  fc.record({ server: fc.boolean(), client: fc.boolean() }, { requiredKeys: [], noNullPrototype: true }),
);
const anySettings = fc.record({ windowBits: fc.integer({ min: 9, max: 15 }), contextTakeover: takeover });

test("property: two ends of any settings agree, and neither sends what the other does not keep", () => {
  const property = fc.property(anySettings, anySettings, (server, client) => {
    const [ours, theirs] = [settings(server), settings(client)];
    const accepted = acceptDeflate(parseExtensions(offerDeflate(theirs))!, ours);
    assert(accepted !== undefined);
    const confirmed = checkDeflateAnswer(parseExtensions(accepted.header)!, theirs);
    assert(confirmed !== undefined, accepted.header);
    const { agreement } = accepted;
    // A takeover needs both to know of it, and both to want it.
    const wanted = (side: "server" | "client") => ours.contextTakeover[side] && theirs.contextTakeover[side];
    assertEquals([agreement.deflateTakeover, confirmed.inflateTakeover], [
      wanted("server"),
      wanted("server"),
    ]);
    assertEquals([agreement.inflateTakeover, confirmed.deflateTakeover], [
      wanted("client"),
      wanted("client"),
    ]);
    assert(agreement.deflateBits <= confirmed.inflateBits, "the client's window is too small");
    assert(confirmed.deflateBits <= agreement.inflateBits, "the server's window is too small");
    if (wanted("server")) {
      assert(confirmed.inflateBits <= theirs.windowBits, "the client keeps more than it wanted");
    }
    if (wanted("client")) {
      assert(agreement.inflateBits <= ours.windowBits, "the server keeps more than it wanted");
    }
    assert(agreement.deflateBits <= ours.windowBits && confirmed.deflateBits <= theirs.windowBits);
  });
  check(property, { numRuns: 500 });
});

const word = fc.constantFrom(
  "server_no_context_takeover",
  "client_no_context_takeover",
  "server_max_window_bits",
  "client_max_window_bits",
  "foo",
  "__proto__",
);
const value = fc.constantFrom(undefined, "8", "9", "10", "12", "15", "16", "010", "x");
const extensions = fc.array(
  fc.record({
    name: fc.constantFrom("permessage-deflate", "permessage-deflate", "foo"),
    parameters: fc.array(fc.tuple(word, value), { maxLength: 4 }),
  }, { noNullPrototype: true }),
  { maxLength: 4 },
);

test("property: whatever is offered, a server promises no more than was asked, in parameters that were offered", () => {
  const property = fc.property(extensions, anySettings, (offers, options) => {
    const accepted = acceptDeflate(offers, settings(options));
    if (accepted === undefined) return;
    const { agreement, header } = accepted;
    const [answer, ...more] = parseExtensions(header)!;
    assertEquals([answer!.name, more.length], ["permessage-deflate", 0]);
    const said = new Map(answer!.parameters);
    assertEquals(said.size, answer!.parameters.length);
    const fits = offers.filter(({ name, parameters }) => {
      const asked = new Map<string, string | undefined>(parameters);
      if (name !== "permessage-deflate" || asked.has("foo") || asked.has("__proto__")) return false;
      for (const side of ["server", "client"]) {
        const bits = said.get(`${side}_max_window_bits`);
        if ((bits !== undefined) !== asked.has(`${side}_max_window_bits`)) return false;
        if (Number(bits ?? 0) > Number(asked.get(`${side}_max_window_bits`) ?? 15)) return false;
        const none = `${side}_no_context_takeover`;
        if (asked.has(none) && !said.has(none)) return false;
      }
      return true;
    });
    assert(fits.length > 0, header);
    assertEquals(agreement.deflateTakeover, !said.has("server_no_context_takeover"));
    assertEquals(agreement.inflateTakeover, !said.has("client_no_context_takeover"));
    assert(
      agreement.deflateBits >= 9 && agreement.deflateBits <= Number(said.get("server_max_window_bits") ?? 15),
    );
    assertEquals(agreement.inflateBits, Number(said.get("client_max_window_bits") ?? 15));
  });
  check(property, { numRuns: 1_000 });
});

test("compression is off unless asked for, and `true` stands for the defaults", () => {
  assertEquals([readCompression(), readCompression(undefined), readCompression(false)], [
    undefined,
    undefined,
    undefined,
  ]);
  assertEquals([readCompression(true), readCompression({})], [DEFAULTS, DEFAULTS]);
});

test("options that are given are taken, the others are the defaults", () => {
  assertEquals(readCompression({ windowBits: 9, threshold: 0 }), {
    ...DEFAULTS,
    windowBits: 9,
    threshold: 0,
  });
  assertEquals(readCompression({ memLevel: 9, level: 0 }), { ...DEFAULTS, memLevel: 9, level: 0 });
  assertEquals(readCompression({ threshold: Infinity }), { ...DEFAULTS, threshold: Infinity });
  for (
    const [contextTakeover, server, client] of [
      [undefined, false, false],
      [false, false, false],
      [true, true, true],
      [{}, false, false],
      [{ server: true }, true, false],
      [{ client: true }, false, true],
      [{ server: true, client: true }, true, true],
    ] as const
  ) {
    // What is left out and what is undefined is the same, whatever the types say of it.
    const options = { contextTakeover } as CompressionOptions;
    assertEquals(readCompression(options), { ...DEFAULTS, contextTakeover: { server, client } });
  }
});

const RANGES = { windowBits: [9, 15], memLevel: [1, 9], level: [0, 9], threshold: [0, Infinity] } as const;

for (const [name, [min, max]] of Object.entries(RANGES)) {
  test(`${name} is a whole number from ${min} to ${max}`, () => {
    for (const good of [min, min + 1, max]) readCompression({ [name]: good });
    for (
      const bad of [min - 1, max + 1, min + 0.5, NaN, -Infinity, -1, ...max < Infinity ? [Infinity] : []]
    ) {
      // One more than Infinity is Infinity.
      if (bad === Infinity && max === Infinity) continue;
      assertThrows(() => readCompression({ [name]: bad }), RangeError, `Cannot set compression.${name}:`);
    }
    for (const bad of ["12", true, {}, 12n, () => 12]) {
      assertThrows(
        () => readCompression({ [name]: bad } as object),
        TypeError,
        `Cannot set compression.${name}:`,
      );
    }
  });
}

test("what is no option is a TypeError that has its name", () => {
  for (const bad of [null, 1, 0, "true", "", () => true, Symbol("a")]) {
    assertThrows(() => readCompression(bad as never), TypeError, "Cannot set compression:");
  }
  for (const bad of [null, 1, "both", () => true]) {
    assertThrows(
      () => readCompression({ contextTakeover: bad as never }),
      TypeError,
      "Cannot set compression.contextTakeover:",
    );
  }
  for (const side of ["server", "client"]) {
    for (const bad of [null, 1, "false", {}]) {
      assertThrows(
        () => readCompression({ contextTakeover: { [side]: bad } as never }),
        TypeError,
        `Cannot set compression.contextTakeover.${side}:`,
      );
    }
  }
});
