import { test } from "node:test";
import { assertEquals, assertMatch } from "#std/assert";
import { within } from "../interop/within.ts";
import { LONG } from "../support/long.ts";
import { requires } from "../support/requires.ts";
import { behind } from "./ends.ts";
import type { ProxyName } from "./proxy.ts";

const CHECKS = 3;

const haproxy = (check: string) =>
  "defaults\n mode http\n timeout connect 5s\n timeout client 30s\n timeout server 30s\n" +
  "frontend web\n bind :8000\n default_backend sluice\n" +
  `backend sluice\n ${check}\n server one 127.0.0.1:8080 check inter 100ms fall 1\n`;
const apache = (member: string) =>
  "Listen 8000\n<VirtualHost *:8000>\n ProxyPreserveHost On\n ProxyPass / balancer://sluice/\n" +
  `<Proxy balancer://sluice>\n BalancerMember http://127.0.0.1:8080 ${member} hcinterval=1 hcfails=1\n` +
  "</Proxy>\n</VirtualHost>\n";

/** Health checks as they come by default, and what `fetch` sees of them: nothing of `OPTIONS *`. */
const HEALTH_CHECKS: readonly {
  readonly name: ProxyName;
  readonly check: string;
  readonly config: string;
  readonly seen: string | undefined;
}[] = [
  {
    name: "haproxy",
    check: "option httpchk",
    config: haproxy("option httpchk"),
    seen: "OPTIONS http://localhost/",
  },
  {
    name: "apache2",
    check: "hcmethod=GET",
    config: apache("hcmethod=GET hcuri=/health"),
    seen: "GET http://127.0.0.1:8080/health",
  },
  {
    name: "apache2",
    check: "hcmethod=OPTIONS",
    config: apache("hcmethod=OPTIONS"),
    seen: undefined,
  },
];

for (const { name, check, config, seen } of HEALTH_CHECKS) {
  if (!LONG && name === "apache2") continue;

  test(`${name}'s ${check}, which is HTTP/1.0, finds a server healthy`, requires(name), () => {
    const requests: string[] = [];
    let checks = 0;
    const { promise: checked, resolve } = Promise.withResolvers<void>();
    const count = () => {
      if (++checks === CHECKS) resolve();
      return true;
    };
    const fetch = (request: Request) => {
      const { hostname } = new URL(request.url);
      requests.push(`${request.method} ${request.url}`);
      if (hostname === "localhost") count();
      return new Response("a page");
    };
    return behind(name, config, async ({ proxy, upstream }) => {
      await within("The checks", checked);
      const response = await globalThis.fetch(`http://127.0.0.1:${proxy.port}/page`);
      assertEquals([response.status, await response.text()], [200, "a page"]);
      const asked = requests.filter((request) => !request.endsWith("/page"));
      const expected = seen?.replace("8080", `${upstream.port}`);
      assertEquals(new Set(asked), new Set(expected === undefined ? [] : [expected]));
      // A host is asked about wherever there is one.
    }, { fetch, hosts: count });
  });
}

const NGINX = "server {\n listen 8000;\n location / {\n proxy_pass http://127.0.0.1:8080;\n }\n}\n";

test("nginx with its default proxy_http_version, which is 1.0, passes pages on", requires("nginx"), () => {
  const pages: Readonly<Record<string, () => Response>> = {
    "/short": () => new Response("a page"),
    // Of unknown length: there is no chunked coding to mark its end.
    "/long": () => new Response(ReadableStream.from(["one ", "x".repeat(300_000), " two"].map(encode))),
  };
  const fetch = (request: Request) =>
    pages[new URL(request.url).pathname]?.() ?? new Response(null, { status: 404 });
  return behind("nginx", NGINX, async ({ proxy, open }) => {
    const ask = (path: string) => globalThis.fetch(`http://127.0.0.1:${proxy.port}${path}`);
    const short = await ask("/short");
    assertEquals([short.status, await short.text()], [200, "a page"]);
    const long = await ask("/long");
    assertEquals(long.status, 200);
    assertMatch(await long.text(), /^one x{300000} two$/);
    // nginx has left out Upgrade, so it is a plain request like any other.
    assertEquals(await open().answer, 404);
  }, { fetch });
});

function encode(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
