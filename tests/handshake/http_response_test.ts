import { test } from "node:test";
import { assertEquals, assertMatch, assertThrows } from "#std/assert";
import { HANDSHAKE_FAULTS, HandshakeError } from "../../lib/errors.ts";
import type { HandshakeErrorCode } from "../../lib/errors.ts";
import { writeRefusal, writeResponseHead } from "../../lib/handshake/http_response.ts";
import { fromLatin1 } from "../vectors/splits.ts";
import { responseHead } from "./read_head.ts";

test("a response head has phrase, headers in order, and Connection: close", () => {
  const bytes = writeResponseHead({
    status: 200,
    headers: [["Content-Length", "2"], ["Set-Cookie", "a"], ["Set-Cookie", "b"]],
  });
  assertEquals(
    fromLatin1(bytes),
    "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nSet-Cookie: a\r\nSet-Cookie: b\r\nConnection: close\r\n\r\n",
  );
});

test("a phrase of one's own is kept, an empty one replaced, an unknown one left out", () => {
  const phrase = (status: number, statusText?: string) =>
    responseHead(
      fromLatin1(
        writeResponseHead({ status, headers: [], ...(statusText === undefined ? {} : { statusText }) }),
      ),
    )
      .statusText;
  assertEquals([phrase(404, "Gone fishing"), phrase(404, ""), phrase(404), phrase(299)], [
    "Gone fishing",
    "Not Found",
    "Not Found",
    "",
  ]);
});

test("Connection is the writer's own", () => {
  const text = fromLatin1(
    writeResponseHead({ status: 200, headers: [["connection", "keep-alive"], ["X", "1"]] }),
  );
  assertEquals([...responseHead(text).headers], [["x", "1"], ["connection", "close"]]);
});

test("Headers can be written as they are", () => {
  const headers = new Headers({ "X-A": "1" });
  assertEquals(
    fromLatin1(writeResponseHead({ status: 204, headers })),
    "HTTP/1.1 204 No Content\r\nx-a: 1\r\nConnection: close\r\n\r\n",
  );
});

for (const status of [0, 101, 199, 600, 200.5, NaN]) {
  test(`the status ${status} is refused`, () => {
    assertThrows(() => writeResponseHead({ status, headers: [] }), RangeError, "200 to 599");
  });
}

test("nothing breaks out of a response head", () => {
  const write = (statusText: string, name: string, value: string) =>
    writeResponseHead({ status: 200, statusText, headers: [[name, value]] });
  assertThrows(() => write("a\r\nb", "X", "1"), TypeError);
  assertThrows(() => write("a", "X\r\nY", "1"), TypeError);
  assertThrows(() => write("a", "X", "1\r\nY: 2"), TypeError);
  assertThrows(() => write("\u0141", "X", "1"), TypeError);
});

for (const code of Object.keys(HANDSHAKE_FAULTS) as HandshakeErrorCode[]) {
  test(`the refusal of ${code} is whole`, () => {
    const error = new HandshakeError(code);
    const [head = "", body = ""] = fromLatin1(writeRefusal(error)).split(/(?<=\r\n\r\n)/);
    const { status, statusText, headers } = responseHead(head);
    assertEquals(status, HANDSHAKE_FAULTS[code][0]);
    assertMatch(statusText, /^[A-Z]/);
    assertEquals(body, `${error.message}\n`);
    assertEquals(headers.get("content-type"), "text/plain");
    assertEquals(headers.get("content-length"), String(body.length));
    assertEquals(headers.getAll("connection"), ["close"]);
    assertEquals(headers.get("allow"), status === 405 ? "GET" : undefined);
    assertEquals(headers.get("upgrade"), status === 426 ? "websocket" : undefined);
    assertEquals(headers.get("sec-websocket-version"), status === 426 ? "13" : undefined);
    assertEquals(headers.get("retry-after"), status === 503 ? "1" : undefined);
  });
}
