/**
 * What a server must answer to offers of permessage-deflate, and what a client must make of answers (RFC 7692 §5, §7.1).
 *
 * @module
 */

/** What a row sets; the rest is as it is unless set. */
export interface OfferSettings {
  windowBits?: number;
  contextTakeover?: boolean | { server?: boolean; client?: boolean };
}

/** What is agreed on, in short: our window and takeover for what we send, and the peer's. */
export interface Agreed {
  deflate: readonly [windowBits: number, takeover: boolean];
  inflate: readonly [windowBits: number, takeover: boolean];
}

/** An offer, and a server's answer to it. */
export interface OfferRow {
  name: string;
  section: string;
  settings: OfferSettings;
  /** `Sec-WebSocket-Extensions` of the request. */
  offer: string;
  /** That of the 101; `undefined`: none, and no compression. */
  answer: string | undefined;
  agreed?: Agreed;
}

/** An answer to a client's offer. */
export interface AnswerRow {
  name: string;
  section: string;
  settings: OfferSettings;
  answer: string;
  /** `undefined`: the connection fails. */
  agreed: Agreed | undefined;
}

const PMD = "permessage-deflate";
const NONE = "server_no_context_takeover; client_no_context_takeover";

const KEPT: OfferSettings = { contextTakeover: true };
const LARGE: OfferSettings = { windowBits: 15, contextTakeover: true };

function offer(
  name: string,
  offer: string,
  answer: string | undefined,
  more: { section?: string; settings?: OfferSettings; agreed?: Agreed } = {},
): OfferRow {
  const { section = "RFC 7692 §7.1", settings = {}, agreed } = more;
  return { name, section, settings, offer, answer, ...agreed && { agreed } };
}

/** A window of 12 bits for what we send, one of 15 for what we get, and nothing kept: the answer to a bare offer. */
const PLAIN: Agreed = { deflate: [12, false], inflate: [15, false] };

const accepted: OfferRow[] = [
  offer("a bare offer", PMD, `${PMD}; ${NONE}`, { agreed: PLAIN }),
  offer(
    "an offer like a browser's",
    `${PMD}; client_max_window_bits`,
    `${PMD}; ${NONE}; client_max_window_bits=12`,
    {
      agreed: { deflate: [12, false], inflate: [12, false] },
    },
  ),
  offer(
    "an offer like a browser's, where windows are kept",
    `${PMD}; client_max_window_bits`,
    `${PMD}; client_max_window_bits=12`,
    { settings: KEPT, agreed: { deflate: [12, true], inflate: [12, true] } },
  ),
  offer(
    "an offer like a browser's, where large windows are kept",
    `${PMD}; client_max_window_bits`,
    `${PMD}; client_max_window_bits=15`,
    { settings: LARGE, agreed: { deflate: [15, true], inflate: [15, true] } },
  ),
  offer(
    "a bare offer, where windows are kept that are smaller than a client's",
    PMD,
    `${PMD}; client_no_context_takeover`,
    { section: "RFC 7692 §7.1.1.2", settings: KEPT, agreed: { deflate: [12, true], inflate: [15, false] } },
  ),
  offer("a bare offer, where large windows are kept", PMD, PMD, {
    settings: LARGE,
    agreed: { deflate: [15, true], inflate: [15, true] },
  }),
  offer(
    "an offer, where the server's window alone is kept",
    `${PMD}; client_max_window_bits`,
    `${PMD}; client_no_context_takeover; client_max_window_bits=12`,
    {
      settings: { contextTakeover: { server: true } },
      agreed: { deflate: [12, true], inflate: [12, false] },
    },
  ),
  offer(
    "an offer, where the client's window alone is kept",
    `${PMD}; client_max_window_bits`,
    `${PMD}; server_no_context_takeover; client_max_window_bits=12`,
    {
      settings: { contextTakeover: { client: true } },
      agreed: { deflate: [12, false], inflate: [12, true] },
    },
  ),
  offer(
    "no takeover by the server, where windows are kept",
    `${PMD}; server_no_context_takeover`,
    `${PMD}; server_no_context_takeover`,
    { section: "RFC 7692 §7.1.1.1", settings: LARGE, agreed: { deflate: [15, false], inflate: [15, true] } },
  ),
  offer(
    "no takeover by the client, where windows are kept",
    `${PMD}; client_no_context_takeover`,
    `${PMD}; client_no_context_takeover`,
    { section: "RFC 7692 §7.1.1.2", settings: LARGE, agreed: { deflate: [15, true], inflate: [15, false] } },
  ),
  ...[9, 10, 11, 12, 13, 14, 15].map((bits) =>
    offer(
      `server_max_window_bits=${bits}`,
      `${PMD}; server_max_window_bits=${bits}`,
      `${PMD}; ${NONE}; server_max_window_bits=${Math.min(bits, 12)}`,
      {
        section: "RFC 7692 §7.1.2.1",
        agreed: { deflate: [Math.min(bits, 12), false], inflate: [15, false] },
      },
    )
  ),
  ...[8, 9, 10, 11, 12, 13, 14, 15].map((bits) =>
    offer(
      `client_max_window_bits=${bits}`,
      `${PMD}; client_max_window_bits=${bits}`,
      `${PMD}; client_max_window_bits=${Math.min(bits, 12)}`,
      {
        section: "RFC 7692 §7.1.2.2",
        settings: KEPT,
        agreed: { deflate: [12, true], inflate: [Math.min(bits, 12), true] },
      },
    )
  ),
  offer(
    "all parameters",
    `${PMD}; client_max_window_bits=10; ${NONE}; server_max_window_bits=9`,
    `${PMD}; ${NONE}; server_max_window_bits=9; client_max_window_bits=10`,
    {
      settings: LARGE,
      agreed: { deflate: [9, false], inflate: [10, false] },
    },
  ),
  offer(
    "a quoted value",
    `${PMD}; server_max_window_bits="10"`,
    `${PMD}; ${NONE}; server_max_window_bits=10`,
    {
      agreed: { deflate: [10, false], inflate: [15, false] },
    },
  ),
  offer(
    "a quoted value with escapes",
    `${PMD}; server_max_window_bits="\\1\\0"`,
    `${PMD}; ${NONE}; server_max_window_bits=10`,
  ),
  offer(
    "two good offers: the first is taken",
    `${PMD}; server_max_window_bits=10, ${PMD}`,
    `${PMD}; ${NONE}; server_max_window_bits=10`,
    { section: "RFC 7692 §5.1" },
  ),
  offer("other extensions before and behind", `foo; x=1, constructor, ${PMD}, bar`, `${PMD}; ${NONE}`, {
    section: "RFC 6455 §9.1",
    agreed: PLAIN,
  }),
];

/** Offers that cannot be accepted: each alone gives nothing, and a good one behind it is taken. */
const BAD: readonly (readonly [name: string, parameters: string])[] = [
  ["an unknown parameter", "foo"],
  ["an unknown parameter with a value", "foo=1"],
  ["a parameter that objects inherit", "constructor"],
  ["the parameter __proto__", "__proto__=10"],
  ["a name in upper case", "Client_Max_Window_Bits"],
  ["server_max_window_bits without a value", "server_max_window_bits"],
  ["server_max_window_bits=8, which zlib cannot keep to", "server_max_window_bits=8"],
  ...["server", "client"].flatMap((side) => [
    ...[
      "16",
      "7",
      "7.5",
      "-8",
      "0",
      "010",
      "08",
      "+10",
      "1e1",
      "0xa",
      "a",
      "10.0",
      "99999999999",
      "NaN",
      "Infinity",
    ]
      .map((value) => [`${side}_max_window_bits=${value}`, `${side}_max_window_bits=${value}`] as const),
    [`${side}_max_window_bits="010"`, `${side}_max_window_bits="010"`] as const,
    [`${side}_no_context_takeover with a value`, `${side}_no_context_takeover=1`] as const,
    [`${side}_no_context_takeover with a quoted value`, `${side}_no_context_takeover="true"`] as const,
    [
      `${side}_no_context_takeover twice`,
      `${side}_no_context_takeover; ${side}_no_context_takeover`,
    ] as const,
    [`${side}_max_window_bits twice`, `${side}_max_window_bits=10; ${side}_max_window_bits=10`] as const,
  ]),
  ["client_max_window_bits with and without a value", "client_max_window_bits; client_max_window_bits=10"],
  ["an unknown parameter among good ones", `${NONE}; server_max_window_bits=10; foo`],
];

const declined: OfferRow[] = BAD.flatMap(([name, parameters]) => [
  offer(name, `${PMD}; ${parameters}`, undefined),
  offer(
    `${name}, then a good offer`,
    `${PMD}; ${parameters}, ${PMD}; server_max_window_bits=11`,
    `${PMD}; ${NONE}; server_max_window_bits=11`,
    {
      section: "RFC 7692 §5.1",
      agreed: { deflate: [11, false], inflate: [15, false] },
    },
  ),
]);

const UNKNOWN = "foo, ";

const others: OfferRow[] = [
  ...[
    "foo",
    "x-webkit-deflate-frame",
    "Permessage-Deflate",
    "permessage-deflate2",
    "constructor",
    "__proto__",
  ]
    .map((name) => offer(`${name} alone`, name, undefined, { section: "RFC 6455 §9.1" })),
  offer("a good offer in the 16th place", UNKNOWN.repeat(15) + PMD, `${PMD}; ${NONE}`, { agreed: PLAIN }),
  offer("a good offer in the 17th place", UNKNOWN.repeat(16) + PMD, undefined),
  offer("16 bad offers, then a good one", `${PMD}; foo, `.repeat(16) + PMD, undefined),
];

/** What a server must make of offers. */
export const OFFER_ROWS: readonly OfferRow[] = [...accepted, ...declined, ...others];

/** Headers whose grammar is broken: the handshake fails. */
export const BROKEN_OFFERS: readonly string[] = [
  `${PMD};`,
  `${PMD}; client_max_window_bits;`,
  `${PMD}; client_max_window_bits=`,
  `${PMD}; client_max_window_bits=""`,
  `${PMD}; client_max_window_bits="10`,
  `${PMD}; client_max_window_bits="1 0"`,
  `${PMD}; =10`,
  `${PMD}, `,
  `${PMD},,${PMD}`,
  `, ${PMD}`,
  `${PMD} ${PMD}`,
  `"${PMD}"`,
  `${PMD}; foo=\x80`,
  "",
];

function answer(
  name: string,
  answer: string,
  agreed: Agreed | undefined,
  more: { section?: string; settings?: OfferSettings } = {},
): AnswerRow {
  return { name, section: more.section ?? "RFC 7692 §7.1", settings: more.settings ?? {}, answer, agreed };
}

const answers: AnswerRow[] = [
  answer("what our own server answers", `${PMD}; ${NONE}; client_max_window_bits=12`, {
    deflate: [12, false],
    inflate: [15, false],
  }),
  answer("a bare answer, where windows are kept", PMD, { deflate: [15, true], inflate: [15, true] }, {
    settings: LARGE,
  }),
  answer("no takeover by the server", `${PMD}; server_no_context_takeover`, {
    deflate: [15, true],
    inflate: [15, false],
  }, { settings: LARGE }),
  answer("no takeover by the client", `${PMD}; client_no_context_takeover`, {
    deflate: [15, false],
    inflate: [15, true],
  }, { settings: LARGE }),
  answer("no word about the takeover that we do without", `${PMD}; server_no_context_takeover`, {
    deflate: [12, false],
    inflate: [15, false],
  }),
  // Strictly it should repeat what it agrees to; to be ready for more than that costs us memory, and nothing else.
  answer("no word about the takeover that the server was asked to do without", PMD, {
    deflate: [12, false],
    inflate: [15, true],
  }),
  answer("no word about the window that the server was asked for", PMD, {
    deflate: [12, true],
    inflate: [15, true],
  }, { settings: KEPT }),
  ...[8, 9, 11, 12].map((bits) =>
    answer(
      `the server's window of ${bits} bits, where 12 were asked for`,
      `${PMD}; server_max_window_bits=${bits}`,
      {
        deflate: [12, true],
        inflate: [bits, true],
      },
      { section: "RFC 7692 §7.1.2.1", settings: KEPT },
    )
  ),
  ...[13, 15].map((bits) =>
    answer(
      `the server's window of ${bits} bits, where 12 were asked for`,
      `${PMD}; server_max_window_bits=${bits}`,
      undefined,
      { section: "RFC 7692 §7.1.2.1", settings: KEPT },
    )
  ),
  answer("the server's window, where none was asked for", `${PMD}; server_max_window_bits=15`, {
    deflate: [12, false],
    inflate: [15, true],
  }, { section: "RFC 7692 §7.1.2.1" }),
  ...[8, 9, 12, 15].map((bits) =>
    answer(`a window of ${bits} bits for us`, `${PMD}; client_max_window_bits=${bits}`, {
      deflate: [Math.min(bits, 12), true],
      inflate: [15, true],
    }, { section: "RFC 7692 §7.1.2.2", settings: KEPT })
  ),
  answer("a quoted window for us", `${PMD}; client_max_window_bits="10"`, {
    deflate: [10, true],
    inflate: [15, true],
  }, { settings: KEPT }),
  answer("client_max_window_bits without a value", `${PMD}; client_max_window_bits`, undefined, {
    section: "RFC 7692 §7.1.2.2",
  }),
];

const wrongAnswers: AnswerRow[] = [
  ...BAD.filter(([, parameters]) => parameters !== "server_max_window_bits=8").map(([name, parameters]) =>
    answer(name, `${PMD}; ${parameters}`, undefined)
  ),
  answer("two answers", `${PMD}, ${PMD}`, undefined, { section: "RFC 7692 §5.1" }),
  answer("an answer and another extension", `${PMD}, foo`, undefined, { section: "RFC 6455 §9.1" }),
  answer("another extension and an answer", `foo, ${PMD}`, undefined, { section: "RFC 6455 §9.1" }),
  ...["foo", "constructor", "x-webkit-deflate-frame", "Permessage-Deflate"].map((name) =>
    answer(`the extension ${name}`, name, undefined, { section: "RFC 6455 §9.1" })
  ),
  ...BROKEN_OFFERS.map((header) => answer(`the header ${JSON.stringify(header)}`, header, undefined)),
];

/** What a client must make of answers. */
export const ANSWER_ROWS: readonly AnswerRow[] = [...answers, ...wrongAnswers];
