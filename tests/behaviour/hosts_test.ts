import { test } from "node:test";
import { assert, assertEquals, assertMatch, assertRejects } from "#std/assert";
import type { ServeOptions } from "../../lib/server/serve_options.ts";
import { echo, serving } from "../support/serving.ts";
import { serve } from "../support/sluice.ts";
import { UPGRADE, Wire } from "../support/wire.ts";

const PLAIN = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";

/** Sends a request with another host, and returns the status. */
async function ask(port: number, request: string, host: string): Promise<number> {
  const wire = await Wire.open(port);
  wire.send(request.replace("Host: localhost", `Host: ${host}`));
  const head = await wire.head();
  wire.destroy();
  return Number(head.split(" ")[1]);
}

/** What upgrades and plain requests for each host are answered with. */
function statuses(
  options: ServeOptions,
  hosts: readonly string[],
): Promise<[host: string, number, number][]> {
  const answers: [string, number, number][] = [];
  return serving({ fetch: () => new Response(), ...options }, echo, async ({ port }) => {
    for (const host of hosts) {
      answers.push([host, await ask(port, UPGRADE, host), await ask(port, PLAIN, host)]);
    }
  }).then(() => answers);
}

test("on a loopback address a page of another name is refused, upgrade and plain request", async () => {
  const seen: string[] = [];
  const fetch = ({ url }: Request) => {
    seen.push(new URL(url).hostname);
    return new Response();
  };
  const hosts = ["localhost", "127.0.0.1:8080", "[::1]", "evil.example", "127.0.0.1.evil.example:80"];
  assertEquals(await statuses({ fetch }, hosts), [
    ["localhost", 101, 200],
    ["127.0.0.1:8080", 101, 200],
    ["[::1]", 101, 200],
    ["evil.example", 421, 421],
    ["127.0.0.1.evil.example:80", 421, 421],
  ]);
  assertEquals(seen, ["localhost", "127.0.0.1", "[::1]"]);
});

test("a name that was made to resolve to this machine is not the server's own origin", async () => {
  let authorized = 0;
  await serving({ authorize: () => authorized++ }, echo, async ({ port }) => {
    const upgrade = UPGRADE.replace("\r\n\r\n", `\r\nOrigin: http://evil.example:${port}\r\n\r\n`);
    assertEquals([await ask(port, upgrade, `evil.example:${port}`), authorized], [421, 0]);
  });
});

test("a server that listens on all addresses answers for any host", async () => {
  assertEquals(await statuses({ hostname: "0.0.0.0" }, ["evil.example"]), [["evil.example", 101, 200]]);
  assertEquals(await statuses({ hosts: "any" }, ["evil.example"]), [["evil.example", 101, 200]]);
});

test("hosts takes a list, which stands for itself, or a function", async () => {
  const asked = ["chat.example", "localhost"];
  assertEquals(await statuses({ hosts: ["chat.example"] }, asked), [["chat.example", 101, 200], [
    "localhost",
    421,
    421,
  ]]);
  const hosts = (host: string) => host.endsWith(".example");
  assertEquals(await statuses({ hosts }, asked), [["chat.example", 101, 200], ["localhost", 421, 421]]);
  const later = (() => Promise.resolve(true)) as unknown as () => boolean;
  assertEquals(await statuses({ hosts: later }, asked), [["chat.example", 421, 421], [
    "localhost",
    421,
    421,
  ]]);
  const never = (() => Promise.reject(new Error("on purpose"))) as unknown as () => boolean;
  assertEquals(await statuses({ hosts: never }, ["localhost"]), [["localhost", 421, 421]]);
});

test("an absolute target says the host, whatever Host says", () =>
  serving({ fetch: () => new Response() }, echo, async ({ port }) => {
    const absolute = (request: string, host: string) => request.replace("GET /", `GET http://${host}/`);
    for (const request of [UPGRADE, PLAIN]) {
      assertEquals(await ask(port, absolute(request, "evil.example"), "localhost"), 421);
      assert(await ask(port, absolute(request, "localhost"), "evil.example") < 300);
    }
  }));

test("what is wrong with Host is still a 400, and a function that throws a 500 that is reported", async () => {
  assertEquals(await statuses({ hosts: () => true }, ["a b", "[::", ""]), [["a b", 400, 400], [
    "[::",
    400,
    400,
  ], ["", 400, 400]]);
  const errors: string[] = [];
  const hosts = () => {
    throw new Error("on purpose");
  };
  const onError = (error: unknown, { stage }: { stage: string }) =>
    errors.push(`${stage}: ${(error as Error).message}`);
  assertEquals(await statuses({ hosts, onError }, ["localhost"]), [["localhost", 500, 500]]);
  assertEquals(errors, ["accept: on purpose", "accept: on purpose"]);
});

test("a refusal says why", () =>
  serving({}, echo, async ({ port }) => {
    const wire = await Wire.open(port);
    wire.send(PLAIN.replace("localhost", "evil.example"));
    assertMatch(await wire.head(), /^HTTP\/1\.1 421 Misdirected Request\r\n/);
    assertMatch(new TextDecoder().decode(await wire.rest()), /the option hosts/);
    wire.destroy();
  }));

test("a wrong value is refused when it is given", async () => {
  for (const hosts of ["example.com", [], ["example.com:80"], {}, null]) {
    await assertRejects(() => serve({ hosts: hosts as string[] }, echo), TypeError, "hosts");
  }
});
