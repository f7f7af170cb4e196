/**
 * The guards of the handshake: heads, upgrades, origins, answers.
 *
 * @module
 */

import { type Mutant, mutantsOf } from "./mutant.ts";

const HEADS = ["tests/handshake/head_parser_test.ts", "tests/handshake/server_vectors_test.ts"];
const SERVER = ["tests/handshake/server_handshake_test.ts", ...HEADS];
const CLIENT = ["tests/handshake/client_handshake_test.ts", "tests/handshake/client_vectors_test.ts"];

const heads = mutantsOf("lib/handshake/head_parser.ts", [...HEADS, ...CLIENT], [
  ["a head has a size", "if (this.#size + stop === this.#maxHeadSize) {", "if (false) {"],
  ["a first line has a fault of its own", `this.#state > HEADERS_END ? this.#grammar.overflow : `, ""],
  ["headers are few", " && this.#lines++ === this.#maxHeaders", " && false"],
  ["what is malformed is refused", "if (state === MALFORMED) {", "if (false) {"],
  ["so is another version", `if (state === WRONG_VERSION) throw new HandshakeError("http-version");`, ""],
]);

const headGrammar = mutantsOf("lib/handshake/head_grammar.ts", [...HEADS, ...CLIENT], [
  ["headers have names", `["line", TOKEN, "name"],`, `["line", TOKEN, "name"],\n  ["line", ":", "value"],`],
  ["a name ends at its colon", `["name", ":", "value"],`, `["name", ": ", "value"],`],
  ["a value ends with CRLF", `["value LF", "\\n", "line"],`, `["value LF", FIELD, "line"],`],
  [
    "no LF is bare",
    `["value", "\\r", "value LF"],`,
    `["value", "\\r", "value LF"],\n  ["value", "\\n", "line"],`,
  ],
  ["the major version is 1", `["major", "1", "dot"],`, `["major", DIGIT, "dot"],`],
  ["a version is well formed", `["slash", "/", "major"],`, `["slash", FIELD, "major"],`],
  [
    "the minor version is 0 or 1",
    `...versionRows("version", "01", "CR"),`,
    `...versionRows("version", "012", "CR"),`,
  ],
  [
    "there is a method",
    `["first", TOKEN, "method"],`,
    `["first", TOKEN, "method"],\n    ["start", " ", "target start"],`,
  ],
  [
    "there is a target",
    `["target start", VISIBLE, "target"],`,
    `["target start", VISIBLE, "target"],\n    ["target start", " ", "version"],`,
  ],
  [
    "a request line is well formed",
    `["method", " ", "target start"],`,
    `["method", "\\t ", "target start"],`,
  ],
  ["a status is 100 at least", `["status", "123456789", "status 2"],`, `["status", DIGIT, "status 2"],`],
  [
    "an answer is in 1.1",
    `...versionRows("start", "1", "space"),`,
    `...versionRows("start", "01", "space"),`,
  ],
  [
    "a status has three digits",
    `["status 3", DIGIT, "status end"],`,
    `["status 3", DIGIT, "status end"],\n    ["status 3", "\\r", "LF"],`,
  ],
  ["a status line is well formed", `["space", " ", "status"],`, `["space", "\\t ", "status"],`],
]);

const octets = mutantsOf("lib/handshake/octets.ts", [...HEADS, "tests/handshake/grammar_test.ts"], [
  [
    "no control character is in a value",
    "octet = 0x21; octet < 0x7f; octet++",
    "octet = 1; octet < 0x80; octet++",
  ],
]);

const upgrade = mutantsOf("lib/handshake/server_handshake.ts", SERVER, [
  ["an upgrade names WebSocket", `if (!isUpgrade(head)) throw new HandshakeError("not-an-upgrade");`, ""],
  [
    "an upgrade needs 1.1",
    `if (head.httpVersion === "1.0") throw new HandshakeError("http-version");`,
    "",
  ],
  ["an upgrade is a GET", `if (head.method !== "GET") throw new HandshakeError("method");`, ""],
  [
    "Connection names the upgrade",
    `if (!listHas(headers.list("connection"), "upgrade")) throw new HandshakeError("connection-header");`,
    "",
  ],
  [
    "the version is 13",
    `if (getOnly(headers, "sec-websocket-version") !== "13") throw new HandshakeError("version");`,
    "",
  ],
  ["the key is one", "key === undefined || !isValidKey(key)", "key === undefined"],
  [
    "there is a key",
    `if (key === undefined || !isValidKey(key)) throw new HandshakeError("key");`,
    `if (key === undefined) return checkUpgrade({ ...head, headers });`,
  ],
  ["an upgrade has no body", `if (hasBody(headers)) throw new HandshakeError("upgrade-body");`, ""],
  ["nor a chunked one", `if (headers.has("transfer-encoding")) return true;`, ""],
  [
    "nor a length but 0",
    `headers.has("content-length") && getOnly(headers, "content-length") !== "0"`,
    "false",
  ],
  [
    "what is doubled is not there",
    "headers.count(name) === 1 ? headers.get(name) : undefined",
    "headers.get(name)",
  ],
  [
    "protocols are tokens",
    "protocols === undefined || new Set(protocols)",
    "protocols !== undefined && new Set(protocols)",
  ],
  ["protocols come once", " || new Set(protocols).size < protocols.length", ""],
  [
    "extensions are well formed",
    `if (extensions === undefined) throw new HandshakeError("extensions-header");\n  return extensions;`,
    "return extensions ?? [];",
  ],
  ["only what was offered is chosen", "offered.includes(chosen as string)", "true"],
  ["a length and chunks are one too many", "lines > 0 || ", ""],
  ["there are no chunks in 1.0", ` || head.httpVersion === "1.0"`, ""],
  ["a length is digits", "value === undefined || !isAll(value, DIGIT)", "value === undefined"],
  ["a length is exact", `if (!Number.isSafeInteger(length)) throw new HandshakeError("framing");`, ""],
  [
    "a protocol to be sent is a token",
    `if (!isToken(protocol)) throw new TypeError("Cannot accept upgrade: the protocol is not a token");`,
    "",
  ],
]);

const key = mutantsOf("lib/handshake/accept_key.ts", [...SERVER, "tests/handshake/accept_key_test.ts"], [
  ["a key has 24 characters", "key.length === KEY_DIGITS + 2 && ", ""],
  ["a key is padded", `key.endsWith("==") && `, ""],
  ["a key is base64", " && isAll(key, BASE64, 0, KEY_DIGITS)", ""],
]);

const url = mutantsOf(
  "lib/handshake/request_url.ts",
  ["tests/handshake/request_url_test.ts", "tests/handshake/server_vectors_test.ts"],
  [
    ["there is one Host", `head.headers.count("host") > 1 || `, ""],
    ["Host is missing in 1.0 alone", '(head.httpVersion === "1.0" ? NO_HOST : undefined)', "NO_HOST"],
    ["an asterisk is for OPTIONS", 'method === "OPTIONS" && ', ""],
    [
      "Host is a host",
      'host === undefined || head.headers.count("host") > 1 || !isHost(host)',
      "host === undefined",
    ],
    ["a target has no fragment", `if (target.includes("#")) throw new HandshakeError("target");`, ""],
    [
      "Host is one also where the target has its own",
      `\n  checkUrl(scheme + host, "host");`,
      "",
    ],
    [
      "a target has a known scheme",
      `if (scheme === undefined) throw new HandshakeError("target");`,
      `if (scheme === undefined) return target;`,
    ],
    [
      "a target's host is a host",
      'if (!isHost(authority)) throw new HandshakeError("target");',
      "",
    ],
    ["a port is digits", "(end + 1 >= text.length || isAll(text, DIGIT, end + 1))", "true"],
  ],
);

const host = mutantsOf("lib/handshake/host.ts", ["tests/handshake/host_test.ts"], [
  ["a function accepts a host by true alone", "answer === true", "Boolean(answer)"],
  ["a list of hosts is not empty", "if (hosts.length === 0) throw", "if (false) throw"],
  ["hosts have no pattern", `url.includes("*") || `, ""],
  ["a name is no loopback address", "LOOPBACK_IPV4.test(host)", `host.startsWith("127.")`],
]);

const origin = mutantsOf("lib/handshake/origin.ts", ["tests/handshake/origin_test.ts"], [
  ["there is one Origin", "if (origins.length > 1) return false;", ""],
  [
    "the host is the server's own",
    "authority !== undefined && URL.canParse(own) && page.host === new URL(own).host",
    "true",
  ],
  ["it has one", "authority !== undefined && ", ""],
  ["what is no URL is nobody's own", "if (!URL.canParse(origin)) return false;", ""],
  ["an origin has one spelling", "if (page.origin !== origin) return false;", ""],
  ["over TLS a page is https", "(secure || page.protocol", "(page.protocol"],
  ["a page is http or https", `page.protocol !== "http:"`, "false"],
]);

const grammar = mutantsOf("lib/handshake/grammar.ts", ["tests/handshake/grammar_test.ts", ...SERVER], [
  ["elements of a list are tokens", "if (!isToken(token)) return undefined;", ""],
]);

const fields = mutantsOf("lib/handshake/field_lines.ts", [...SERVER, ...CLIENT], [
  [
    "names that are sent are tokens",
    `if (!isToken(name)) throw new TypeError("Cannot write header: its name is not a token");`,
    "",
  ],
  [
    "values that are sent break no line",
    "if (!isFieldValue(value)) throw new TypeError(`Cannot write header: the value of ${name} cannot be sent`);",
    "",
  ],
  ["the handshake's own headers are its own", "OWN_NAMES.has(lowercased) || ", ""],
  ["and all of WebSocket's", " || lowercased.startsWith(OWN_PREFIX)", ""],
  ["and Host, a client's", "lowercased === options.reserved || ", ""],
]);

const answer = mutantsOf("lib/handshake/client_handshake.ts", CLIENT, [
  [
    "an answer switches protocols",
    `if (head.status !== 101) throw new HandshakeError("refused", { status: head.status });`,
    "",
  ],
  [
    "to WebSocket",
    `if (headers.list("upgrade")?.toLowerCase() !== "websocket") throw new HandshakeError("upgrade-missing");`,
    "",
  ],
  [
    "and says so twice",
    `if (!listHas(headers.list("connection"), "upgrade")) throw new HandshakeError("upgrade-missing");`,
    "",
  ],
  ["it fits the key", ` || headers.get("sec-websocket-accept") !== expected.accept`, ""],
  ["once", `headers.count("sec-websocket-accept") !== 1 || `, ""],
  [
    "an extension was offered",
    `extensions === "" || (extensions !== undefined && !expected.extensions)`,
    `extensions === ""`,
  ],
  ["and is not none", `extensions === "" || (`, "("],
  ["a protocol was offered", "offered.find((name) => name === protocol)", "protocol"],
  ["one", "lines === 1 ? offered", "lines >= 1 ? offered"],
  [
    "protocols that are asked for are tokens",
    `if (!list.every(isToken)) throw new SyntaxError("Cannot connect: a protocol is not a token");`,
    "",
  ],
  [
    "and come once",
    `if (new Set(list).size < list.length) throw new SyntaxError("Cannot connect: a protocol is listed twice");`,
    "",
  ],
]);

const webSocketUrl = mutantsOf("lib/handshake/websocket_url.ts", ["tests/handshake/websocket_url_test.ts"], [
  ["a URL has a known scheme", `parsed.protocol !== "ws:" && parsed.protocol !== "wss:"`, "false"],
  [
    "a URL has no fragment",
    `if (parsed.href.includes("#")) throw new SyntaxError("Cannot connect: the URL has a fragment");`,
    "",
  ],
]);

/** The guards of the handshake. */
export const handshakeMutants: readonly Mutant[] = [
  ...heads,
  ...headGrammar,
  ...octets,
  ...upgrade,
  ...key,
  ...url,
  ...host,
  ...origin,
  ...grammar,
  ...fields,
  ...answer,
  ...webSocketUrl,
];
