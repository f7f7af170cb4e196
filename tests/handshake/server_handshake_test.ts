import { test } from "node:test";
import { assertEquals, assertThrows } from "#std/assert";
import { HandshakeError } from "../../lib/errors.ts";
import {
  bodyLength,
  checkUpgrade,
  chooseProtocol,
  isUpgrade,
  writeAccept,
} from "../../lib/handshake/server_handshake.ts";
import type { HeadersInput } from "../../lib/handshake/server_handshake.ts";
import { request, SAMPLE_ACCEPT, SAMPLE_KEY } from "../vectors/handshake_server.ts";
import { fromLatin1 } from "../vectors/splits.ts";
import { requestHead, responseHead } from "./read_head.ts";

function accept(options: Omit<Parameters<typeof writeAccept>[0], "accept"> = {}): string {
  return fromLatin1(writeAccept({ accept: SAMPLE_ACCEPT, ...options }));
}

test("an offer has key, protocols and extensions as the client sent them", () => {
  const add = [
    "Sec-WebSocket-Protocol: a, b",
    "Sec-WebSocket-Extensions: x; y=1",
    "sec-websocket-extensions: z",
  ];
  assertEquals(checkUpgrade(requestHead(request({ add }))), {
    key: SAMPLE_KEY,
    protocols: ["a", "b"],
    extensions: [{ name: "x", parameters: [["y", "1"]] }, { name: "z", parameters: [] }],
  });
});

test("an offer of nothing is empty", () => {
  assertEquals(checkUpgrade(requestHead(request())), {
    key: SAMPLE_KEY,
    protocols: [],
    extensions: [],
  });
});

for (const extensions of ["a\0", "a\r\nb", "\x7f", "\x80", "\u0141"]) {
  test(`extensions with ${JSON.stringify(extensions)} are refused, whoever parsed the head`, () => {
    const head = requestHead(request());
    head.headers.append("Sec-WebSocket-Extensions", extensions);
    assertEquals(assertThrows(() => checkUpgrade(head), HandshakeError).code, "extensions-header");
  });
}

test("a tab may stand between extensions", () => {
  const head = requestHead(request({ add: ["Sec-WebSocket-Extensions: a,\tb"] }));
  assertEquals(checkUpgrade(head).extensions.map(({ name }) => name), ["a", "b"]);
});

test("a request for an upgrade is one even where it is wrong", () => {
  assertEquals(isUpgrade(requestHead(request({ line: "POST / HTTP/1.1", without: "Connection" }))), true);
  assertEquals(isUpgrade(requestHead(request({ without: "Upgrade" }))), false);
});

for (
  const [what, lines, expected] of [
    ["no length", [], 0],
    ["a length", ["Content-Length: 5"], 5],
    ["zeros in front", ["Content-Length: 005"], 5],
    ["the largest length", ["Content-Length: 9007199254740991"], 9007199254740991],
    ["a length too large", ["Content-Length: 9007199254740992"], "framing"],
    ["400 digits", [`Content-Length: ${"9".repeat(400)}`], "framing"],
    ["two lengths", ["Content-Length: 5", "Content-Length: 6"], "framing"],
    ["one length twice", ["Content-Length: 5", "Content-Length: 5"], "framing"],
    ["a list of lengths", ["Content-Length: 5, 5"], "framing"],
    ...["", "+5", "-5", "0x5", "5e0", "5.0", "5 5", "five", "\xb2", "\xa05"].map((length) =>
      [`the length ${JSON.stringify(length)}`, [`Content-Length: ${length}`], "framing"] as const
    ),
    ["chunks", ["Transfer-Encoding: chunked"], "length-required"],
    ["chunks and a length", ["Transfer-Encoding: chunked", "Content-Length: 5"], "framing"],
    ["a length and chunks", ["Content-Length: 0", "Transfer-Encoding: chunked"], "framing"],
    ["an empty coding", ["Transfer-Encoding:"], "length-required"],
  ] as const
) {
  test(`a body with ${what} gives ${expected}`, () => {
    const head = requestHead(`POST / HTTP/1.1\r\n${lines.map((line) => line + "\r\n").join("")}\r\n`);
    if (typeof expected === "number") return assertEquals(bodyLength(head), expected);
    assertEquals(assertThrows(() => bodyLength(head), HandshakeError).code, expected);
  });
}

test("a body in HTTP/1.0 has a length, or else it is faulty", () => {
  const lengthOf = (line: string) => bodyLength(requestHead(`POST / HTTP/1.0\r\n${line}\r\n\r\n`));
  assertEquals(lengthOf("Content-Length: 5"), 5);
  assertEquals(lengthOf("X: 1"), 0);
  for (const line of ["Transfer-Encoding: chunked", "Transfer-Encoding: identity"]) {
    assertEquals(assertThrows(() => lengthOf(line), HandshakeError).code, "framing");
  }
});

test("the 101 is the RFC's own (RFC 6455 §1.3)", () => {
  assertEquals(
    accept({ protocol: "chat" }),
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
      "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nSec-WebSocket-Protocol: chat\r\n\r\n",
  );
});

test("the 101 has extensions and the user's headers, each Set-Cookie apart", () => {
  const headers = new Headers([["X", "\xe4"], ["Set-Cookie", "a"], ["Set-Cookie", "b"]]);
  const head = responseHead(accept({ extensions: "foo; bar", headers }));
  assertEquals(head.headers.get("sec-websocket-extensions"), "foo; bar");
  assertEquals(head.headers.get("x"), "\xe4");
  assertEquals(head.headers.getAll("set-cookie"), ["a", "b"]);
});

for (
  const [what, headers] of [
    ["pairs", [["X", "1"], ["Set-Cookie", "a"], ["set-cookie", "b"]]],
    ["a record", { X: "1", "Set-Cookie": "a", "set-cookie": "b" }],
    ["a Map", new Map([["X", "1"], ["Set-Cookie", "a"], ["set-cookie", "b"]])],
  ] as const satisfies readonly (readonly [string, HeadersInput])[]
) {
  test(`the user's headers may be ${what}`, () => {
    assertEquals(accept({ headers }).split("\r\n").slice(4), [
      "x: 1",
      "set-cookie: a",
      "set-cookie: b",
      "",
      "",
    ]);
  });
}

for (
  const name of [
    "Sec-WebSocket-Accept",
    "sec-websocket-protocol",
    "Sec-WebSocket-Anything",
    "Upgrade",
    "CONNECTION",
  ]
    .concat(["Content-Length", "Transfer-Encoding"])
) {
  test(`the 101 takes no ${name} from the user`, () => {
    assertThrows(() => accept({ headers: { [name]: "1" } }), TypeError, "belongs to the handshake");
    assertThrows(() => accept({ headers: new Headers([[name, "1"]]) }), TypeError);
  });
}

for (const value of ["a\r\nX: 1", "a\r", "\na", "a\0", "a\x7f", "\u0141", "\u{1f600}"]) {
  test(`the 101 takes no ${JSON.stringify(value)} in a value`, () => {
    assertThrows(() => accept({ headers: { "X-A": value } }), TypeError, "cannot be sent");
    assertThrows(() => accept({ extensions: value }), TypeError, "cannot be sent");
    assertThrows(() => accept({ protocol: value }), TypeError, "not a token");
  });
}

for (const name of ["", "a b", "a\r\nb", "a:", "\xe4", "\u212a"]) {
  test(`the 101 takes no header named ${JSON.stringify(name)}`, () => {
    assertThrows(() => accept({ headers: [[name, "1"]] }), TypeError);
  });
}

test("the server's order decides among protocols", () => {
  assertEquals(chooseProtocol(["a", "b", "c"], ["x", "c", "a"]), "c");
});

test("no protocol in common gives none", () => {
  assertEquals(chooseProtocol(["a"], ["A", "b"]), undefined);
  assertEquals(chooseProtocol([], ["a"]), undefined);
  assertEquals(chooseProtocol(["a"], []), undefined);
  assertEquals(chooseProtocol(["a"], undefined), undefined);
  assertEquals(chooseProtocol(["constructor"], ["toString"]), undefined);
});

test("a chooser is given what was offered, and may decline", () => {
  assertEquals(chooseProtocol(["a", "b"], (offered) => offered.at(-1)), "b");
  assertEquals(chooseProtocol(["a", "b"], () => undefined), undefined);
});

test("a chooser is not asked when nothing was offered", () => {
  assertEquals(chooseProtocol([], () => "a"), undefined);
});

test("a chooser's answer that was not offered throws", () => {
  assertThrows(() => chooseProtocol(["a"], () => "b"), TypeError, "did not offer");
  assertThrows(() => chooseProtocol(["a"], () => ""), TypeError, "did not offer");
});
