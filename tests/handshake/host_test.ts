import { test } from "node:test";
import { assertEquals, assertThrows } from "#std/assert";
import { defaultHosts, isAllowedHost, readHosts } from "../../lib/handshake/host.ts";
import { requestHead } from "./read_head.ts";

function headOf(host: string, target = "/") {
  return requestHead(`GET ${target} HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
}

const LOOPBACK = [
  "localhost",
  "LOCALHOST:8080",
  "app.localhost",
  "127.0.0.1",
  "127.1.2.3:80",
  "127.1",
  "[::1]:8080",
  "[0:0:0:0:0:0:0:1]",
  "[::ffff:127.0.0.1]",
];
const OTHERS = [
  "evil.example",
  "localhost.evil.example",
  "evillocalhost",
  "127.0.0.1.evil.example",
  "128.0.0.1",
  "0.0.0.0",
  "[::2]",
  "[::ffff:7e00:1]",
  "[::ffff:128.0.0.1]",
];

for (const listening of ["127.0.0.1", "127.0.0.2", "localhost", "::1", "[::1]", "::ffff:127.0.0.1"]) {
  test(`a server on ${listening} answers for the machine's own names alone`, () => {
    const policy = defaultHosts(listening);
    assertEquals(LOOPBACK.filter((host) => !isAllowedHost(headOf(host), policy)), []);
    assertEquals(OTHERS.filter((host) => isAllowedHost(headOf(host), policy)), []);
  });
}

for (const listening of ["0.0.0.0", "::", "192.168.0.1", "example.com", undefined]) {
  test(`a server on ${listening} answers for any host`, () => {
    assertEquals(defaultHosts(listening), "any");
  });
}

test("a list of hosts has names without a port", () => {
  const hosts = ["example.com", "[::2]"];
  assertEquals(isAllowedHost(headOf("example.com"), hosts), true);
  assertEquals(isAllowedHost(headOf("Example.COM:8080"), hosts), true);
  assertEquals(isAllowedHost(headOf("[0::2]:1"), hosts), true);
  assertEquals(isAllowedHost(headOf("www.example.com"), hosts), false);
  assertEquals(isAllowedHost(headOf("localhost"), hosts), false);
});

test("a function is given the name, and accepts by true alone", () => {
  const given: string[] = [];
  const answering = (answer: unknown) => (host: string) => {
    given.push(host);
    return answer as boolean;
  };
  const answers = [true, false, 1, "yes", {}, Promise.resolve(true), undefined];
  assertEquals(answers.map((answer) => isAllowedHost(headOf("Example.com:80"), answering(answer))), [
    true,
    ...answers.slice(1).map(() => false),
  ]);
  assertEquals(new Set(given), new Set(["example.com"]));
});

test("a request without a host is for any server, and OPTIONS * is for the host that it names", () => {
  assertEquals(isAllowedHost(requestHead("GET / HTTP/1.0\r\n\r\n"), ["good.example"]), true);
  const head = (host: string) => requestHead(`OPTIONS * HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
  assertEquals(isAllowedHost(head("good.example"), ["good.example"]), true);
  assertEquals(isAllowedHost(head("evil.example"), ["good.example"]), false);
});

test("the host of an absolute target overrules Host", () => {
  assertEquals(isAllowedHost(headOf("good.example", "http://evil.example/"), ["good.example"]), false);
  assertEquals(isAllowedHost(headOf("evil.example", "http://good.example?a"), ["good.example"]), true);
});

for (
  const [given, hint] of [
    ["example.com", `not "example.com"`],
    ["", `not ""`],
    [null, "not null"],
    [1, "not number"],
    [{}, "not object"],
    [true, "not boolean"],
    [new Set(["example.com"]), "not object"],
    [[], "empty"],
    [["Example.com"], `write "example.com"`],
    [["example.com:8080"], `write "example.com"`],
    [["https://example.com"], `write "example.com"`],
    [["example.com/"], `write "example.com"`],
    [["::1"], `write "[::1]"`],
    [["127.1"], `write "127.0.0.1"`],
    [["bücher.example"], `write "xn--bcher-kva.example"`],
    [["*.example.com"], `"*.example.com"`],
    [["*"], `"*"`],
    [[""], `not ""`],
    [["a b"], `not "a b"`],
    [["good.example", 1], "not number"],
  ] as const
) {
  test(`hosts: ${JSON.stringify(given)} is a TypeError that says what would do`, () => {
    const { message } = assertThrows(() => readHosts(given), TypeError, hint);
    assertEquals(message.startsWith("Cannot set hosts: "), true);
  });
}

test("what hosts may be is taken as it is", () => {
  const decide = () => true;
  for (const given of [undefined, "any", decide] as const) assertEquals(readHosts(given), given);
  const list = ["example.com", "localhost", "127.0.0.1", "[::1]", "xn--bcher-kva.example"];
  assertEquals(readHosts(list), list);
});
