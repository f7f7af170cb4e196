import { test } from "node:test";
import { assert, assertEquals, assertThrows } from "#std/assert";
import fc from "fast-check";
import { HandshakeError } from "../../lib/errors.ts";
import { RequestHeadParser, ResponseHeadParser } from "../../lib/handshake/head_parser.ts";
import type { HeadLimits } from "../../lib/handshake/head_parser.ts";
import { check } from "../support/property.ts";
import { CLIENT_ROWS } from "../vectors/handshake_client.ts";
import { request, SERVER_ROWS } from "../vectors/handshake_server.ts";
import { everySplit, fromLatin1, latin1, splitAt } from "../vectors/splits.ts";
import { readHead, requestHead, responseHead } from "./read_head.ts";

function fault(text: string, limits?: HeadLimits): string {
  const reading = readHead(new RequestHeadParser(limits), [latin1(text)]);
  return "fault" in reading ? reading.fault.code : "none";
}

test("a request's method, target and headers are read", () => {
  const head = requestHead("GET /a?b=c HTTP/1.1\r\nHost: x\r\nX-Two:\t 1 \r\nx-two: 2\r\nEmpty:\r\n\r\n");
  assertEquals(
    { ...head, headers: [...head.headers] },
    {
      kind: "request",
      method: "GET",
      target: "/a?b=c",
      httpVersion: "1.1",
      headers: [["host", "x"], ["x-two", "1"], ["x-two", "2"], ["empty", ""]],
    },
  );
});

test("a response's status, reason and headers are read", () => {
  const head = responseHead("HTTP/1.1 404 Not Found\r\nX: 1\r\n\r\n");
  assertEquals(
    { ...head, headers: [...head.headers] },
    { kind: "response", status: 404, statusText: "Not Found", headers: [["x", "1"]] },
  );
});

test("a response without a reason has an empty one", () => {
  assertEquals(responseHead("HTTP/1.1 200\r\n\r\n").statusText, "");
  assertEquals(responseHead("HTTP/1.1 200 \r\n\r\n").statusText, "");
});

test("all of obs-text is kept as latin-1", () => {
  const every = String.fromCharCode(...Array.from({ length: 128 }, (_, i) => 0x80 + i));
  assertEquals(requestHead(request({ add: [`X: ${every}`] })).headers.get("x"), every);
});

test("obs-text that is UTF-8 is kept as latin-1", () => {
  const text = "\xc3\xa4 \xe2\x82\xac \xef\xbf\xbd";
  assertEquals(requestHead(request({ add: [`X: ${text}`] })).headers.get("x"), text);
});

test("a long head with obs-text is decoded whole", () => {
  const text = "\xe4".repeat(8_000);
  assertEquals(requestHead(request({ add: [`X: ${text}`] })).headers.get("x"), text);
});

test("U+00A0 is no white space around a value", () => {
  assertEquals(requestHead(request({ add: ["X: \xa0a\xa0"] })).headers.get("x"), "\xa0a\xa0");
});

test("nothing is complete before the last byte, and rest is empty", () => {
  const parser = new RequestHeadParser();
  for (const octet of latin1(request()).subarray(0, -1)) {
    assertEquals(parser.push(Uint8Array.of(octet)), undefined);
    assertEquals(parser.rest.length, 0);
  }
  assert(parser.push(Uint8Array.of(0x0a)) !== undefined);
});

test("an empty chunk changes nothing", () => {
  const parser = new RequestHeadParser();
  assertEquals(parser.push(new Uint8Array(0)), undefined);
  assertEquals(parser.push(latin1(request()).subarray(0, 30)), undefined);
  assertEquals(parser.push(new Uint8Array(0)), undefined);
  assertEquals(parser.push(latin1(request()).subarray(30))?.target, "/chat");
});

test("rest is a view of the last chunk", () => {
  const parser = new RequestHeadParser();
  parser.push(latin1(request()).subarray(0, 30));
  const last = latin1(request().slice(30) + "frames");
  parser.push(last);
  assertEquals(fromLatin1(parser.rest), "frames");
  assertEquals(parser.rest.buffer, last.buffer);
});

test("a view into a larger buffer is read where it lies", () => {
  const buffer = latin1("xxxx" + request() + "rest");
  const parser = new RequestHeadParser();
  assertEquals(parser.push(buffer.subarray(4))?.headers.get("host"), "example.com");
  assertEquals(fromLatin1(parser.rest), "rest");
});

test("a byte behind a complete head is refused", () => {
  const parser = new RequestHeadParser();
  parser.push(latin1(request()));
  assertThrows(() => parser.push(Uint8Array.of(0)), TypeError, "Cannot read head: it is complete");
});

test("a head of exactly maxHeadSize passes, bytes behind it not counted", () => {
  const text = request();
  assertEquals(fault(text + "more".repeat(100), { maxHeadSize: text.length }), "none");
});

test("a head one byte over maxHeadSize does not pass", () => {
  assertEquals(fault(request(), { maxHeadSize: request().length - 1 }), "head-too-large");
});

test("an over-large head is refused at the same byte however it is cut", () => {
  const bytes = latin1(request({ add: ["X: " + "a".repeat(300)] }));
  for (const chunks of everySplit(bytes)) {
    const reading = readHead(new RequestHeadParser({ maxHeadSize: 200 }), chunks);
    assert("fault" in reading && reading.fault.code === "head-too-large");
    if (chunks.length === bytes.length) assertEquals(reading.used, 200);
  }
});

test("a fault inside the limit comes before the limit", () => {
  const text = "GET / HTTP/1.1\r\nX : 1\r\n" + "a".repeat(100);
  assertEquals(fault(text, { maxHeadSize: 40 }), "header-line");
});

test("maxHeaders counts lines, not names", () => {
  const lines = ["X: 1", "X: 2", "X: 3"];
  const text = (count: number) => ["GET / HTTP/1.1", ...lines.slice(0, count)].join("\r\n") + "\r\n\r\n";
  assertEquals(fault(text(2), { maxHeaders: 2 }), "none");
  assertEquals(fault(text(3), { maxHeaders: 2 }), "too-many-headers");
});

test("maxHeadSize is the one bound of a line", () => {
  const requestLine = request({ line: `GET /${"a".repeat(50_000)} HTTP/1.1` });
  const headerLine = request({ add: [`X: ${"a".repeat(50_000)}`] });
  assertEquals([fault(requestLine), fault(headerLine)], ["target-too-long", "head-too-large"]);
  const limits = { maxHeadSize: 65_536 };
  assertEquals(requestHead(requestLine, limits).target.length, 50_001);
  assertEquals(requestHead(headerLine, limits).headers.get("x")?.length, 50_000);
});

test("Infinity lifts a limit", () => {
  const lines = Array.from({ length: 5_000 }, (_, i) => `X-${i}: ${i}`);
  assertEquals(fault(request({ add: lines }), { maxHeadSize: Infinity, maxHeaders: Infinity }), "none");
});

for (const limit of [0, -1, 1.5, NaN, 2 ** 53, -Infinity]) {
  test(`a limit of ${limit} is refused`, () => {
    assertThrows(() => new RequestHeadParser({ maxHeadSize: limit }), RangeError, "maxHeadSize");
    assertThrows(() => new ResponseHeadParser({ maxHeaders: limit }), RangeError, "maxHeaders");
  });
}

// The first byte that cannot be right, and not the end of its line, brings the refusal.
for (
  const [wrong, rest, code] of [
    ["\x16", "\x03\x01", "request-line"],
    ["GET  ", "/ HTTP/1.1\r\n\r\n", "request-line"],
    ["GET / HTTQ", "/1.1\r\n\r\n", "request-line"],
    ["GET / HTTP ", "1.1\r\n\r\n", "request-line"],
    ["GET / HTTP/1.2", "\r\n\r\n", "http-version"],
    ["GET / HTTP/1.1\n", "\r\n", "request-line"],
    ["GET / HTTP/1.1\r\n ", "folded\r\n\r\n", "header-line"],
    ["GET / HTTP/1.1\r\nA ", ": b\r\n\r\n", "header-line"],
    ["GET / HTTP/1.1\r\nA: \0", "b\r\n\r\n", "header-line"],
  ] as const
) {
  test(`${code} is told at the last byte of ${JSON.stringify(wrong)}`, () => {
    const bytes = latin1(wrong + rest);
    const reading = readHead(new RequestHeadParser(), Array.from(bytes, (octet) => Uint8Array.of(octet)));
    assertEquals("fault" in reading && [reading.fault.code, reading.used], [code, wrong.length]);
  });
}

for (const line of ["HTTP/1.1 20", "HTTP/1.1 2000 OK", "HTTP/1.1 2x0 OK"]) {
  test(`status-line is the fault of ${line}`, () => {
    const reading = readHead(new ResponseHeadParser(), [latin1(`${line}\r\n\r\n`)]);
    assertEquals("fault" in reading && reading.fault.code, "status-line");
  });
}

/** Heads with a few bytes changed, taken out or put in: nearly right ones find more than random ones. */
function damaged(texts: readonly string[]): fc.Arbitrary<Uint8Array> {
  const short = texts.filter((text) => text.length < 1_000).map(latin1);
  const edit = fc.tuple(
    fc.nat(1_000),
    fc.nat(2),
    fc.oneof(fc.constantFrom(...latin1("\r\n :\t\0,H/1")), fc.nat(255)),
  );
  return fc.tuple(fc.constantFrom(...short), fc.array(edit, { maxLength: 4 })).map(([bytes, edits]) => {
    const octets = [...bytes];
    for (const [at, removed, octet] of edits) octets.splice(at % (octets.length + 1), removed, octet);
    return Uint8Array.from(octets);
  });
}

const anyCuts = fc.array(fc.nat(20_000), { maxLength: 8 });

for (
  const [kind, make, texts] of [
    ["request", () => new RequestHeadParser({ maxHeadSize: 600 }), SERVER_ROWS.map((row) => row.request)],
    ["response", () => new ResponseHeadParser({ maxHeadSize: 600 }), CLIENT_ROWS.map((row) => row.response)],
  ] as const
) {
  const observe = (chunks: readonly Uint8Array[]): string => {
    const reading = readHead<{ headers: Iterable<[string, string]> }>(make(), chunks);
    if ("fault" in reading) return reading.fault.code;
    if ("incomplete" in reading) return "incomplete";
    const { head, rest, used } = reading;
    return JSON.stringify([head, ...head.headers, fromLatin1(rest), used]);
  };

  test(`property: a damaged ${kind} gives one outcome however it is cut, and no error but HandshakeError`, () => {
    const property = fc.property(damaged(texts), anyCuts, (bytes, cuts) => {
      assertEquals(observe(splitAt(bytes, cuts)), observe([bytes]));
    });
    check(property, { numRuns: 2_000 });
  });

  test(`property: random bytes for a ${kind} give no error but HandshakeError`, () => {
    const property = fc.property(fc.uint8Array({ maxLength: 700 }), anyCuts, (bytes, cuts) => {
      assertEquals(observe(splitAt(bytes, cuts)), observe([bytes]));
    });
    check(property, { numRuns: 500 });
  });
}

test("property: headers that are right come back as they were sent", () => {
  const token = fc.string({
    unit: fc.constantFrom(..."!#$%&'*+-.^_`|~09azAZ"),
    minLength: 1,
    maxLength: 20,
  });
  const octet = fc.oneof(fc.integer({ min: 0x21, max: 0x7e }), fc.integer({ min: 0x80, max: 0xff }));
  const value = fc.array(octet, { maxLength: 40 }).map((octets) => String.fromCharCode(...octets));
  const property = fc.property(
    fc.array(fc.tuple(token, value), { maxLength: 20 }),
    anyCuts,
    (lines, cuts) => {
      const text = lines.map(([name, value]) => `${name}: ${value}\r\n`).join("");
      const bytes = latin1(`GET / HTTP/1.1\r\n${text}\r\n`);
      const reading = readHead(new RequestHeadParser(), splitAt(bytes, cuts));
      assert("head" in reading);
      assertEquals([...reading.head.headers], lines.map(([name, value]) => [name.toLowerCase(), value]));
    },
  );
  check(property, { numRuns: 300 });
});

test("a fault tells its status and section", () => {
  const error = assertThrows(() => new RequestHeadParser().push(latin1("\0")), HandshakeError);
  assertEquals([error.status, error.section], [400, "RFC 9112 §3"]);
});
