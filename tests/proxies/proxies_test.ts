import { test } from "node:test";
import { assertEquals } from "#std/assert";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect as connectHttp2, constants } from "node:http2";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect, type UpgradeRequest } from "../../lib/adapters/node.ts";
import { findBlocks, readPage } from "../docs/blocks.ts";
import { within } from "../interop/within.ts";
import { makeCertificate } from "../support/certificate.ts";
import { LONG } from "../support/long.ts";
import { requires } from "../support/requires.ts";
import { receive, sleep } from "../support/serving.ts";
import { behind, Upstream } from "./ends.ts";
import type { ProxyName } from "./proxy.ts";
import { Patience } from "../support/patience.ts";

const PAGE = "docs/behind_proxies.md";

/** How long what has no event of its own may take, on a machine that does much else. */
const PATIENCE = 30_000;

/** One proxy of the page. */
interface Subject {
  readonly name: ProxyName;
  /** What its blocks of the page are fenced as. */
  readonly fence: string;
  /** Its column in the table. */
  readonly column: number;
  /** A configuration with nothing in it but the address of the server. */
  readonly bare: string;
  /** The same with what upgrades need, if they need anything. */
  readonly upgrading: string;
  /** Makes it cut silent connections after 3 s, and ask for health often. */
  readonly hasten: (config: string) => string;
}

const NGINX = "server {\n listen 8000;\n location / {\n proxy_pass http://127.0.0.1:8080;\n }\n}\n";
const HAPROXY = "defaults\n mode http\n timeout connect 5s\n timeout client 30s\n timeout server 30s\n" +
  "frontend web\n bind :8000\n default_backend sluice\nbackend sluice\n server one 127.0.0.1:8080\n";
const CADDY = ":8000 {\n\treverse_proxy 127.0.0.1:8080\n}\n";
const APACHE = "Listen 8000\n<VirtualHost *:8000>\n ProxyPass / http://127.0.0.1:8080/\n</VirtualHost>\n";

const SUBJECTS: readonly Subject[] = [
  {
    name: "nginx",
    fence: "nginx",
    column: 1,
    bare: NGINX,
    upgrading: NGINX.replace(
      "location / {",
      "location / {\n proxy_http_version 1.1;\n proxy_set_header Upgrade $http_upgrade;\n" +
        'proxy_set_header Connection "upgrade";',
    ),
    hasten: (config) => config.replace("proxy_pass", "proxy_read_timeout 3s; proxy_pass"),
  },
  {
    name: "haproxy",
    fence: "haproxy",
    column: 2,
    bare: HAPROXY,
    upgrading: HAPROXY,
    hasten: (config) =>
      config.replace("timeout tunnel 1h", "timeout tunnel 3s").replace("inter 2s", "inter 200ms"),
  },
  {
    name: "caddy",
    fence: "caddy",
    column: 3,
    bare: CADDY,
    upgrading: CADDY,
    hasten: (config) => config.replace("health_interval 5s", "health_interval 200ms"),
  },
  {
    name: "apache2",
    fence: "apache",
    column: 4,
    bare: APACHE,
    upgrading: APACHE.replace("8080/", "8080/ upgrade=websocket"),
    hasten: (config) =>
      config.replace("ProxyPass ", "Timeout 3\nProxyPass ").replace("hcinterval=5", "hcinterval=1"),
  },
];

/** The configurations of a proxy on the page, the first of which is the plain one. */
function configsOf(fence: string): string[] {
  return findBlocks(PAGE, readPage(PAGE)).filter(({ language }) => language === fence).map(({ text }) =>
    text
  );
}

/** Reads a cell of the table. */
function cellOf(row: string, column: number): string {
  const line = readPage(PAGE).split("\n").find((line) => line.startsWith(`| ${row}`));
  if (line === undefined) throw new Error(`${PAGE} has no row ${row}`);
  return line.split("|")[column + 1]!.trim();
}

/** Waits until something is so. */
async function until(what: string, condition: () => boolean | Promise<boolean>): Promise<void> {
  const patience = new Patience(PATIENCE);
  while (!await condition()) {
    if (patience.isOver) throw new Error(`${what}: it never came to that`);
    await sleep(50);
  }
}

for (const { name, fence, column, bare, upgrading, hasten } of SUBJECTS) {
  const [config = "", balanced = config] = configsOf(fence);
  // Those that are found most often are tried in each run.
  if (!LONG && name !== "nginx" && name !== "haproxy") continue;

  test(
    `docs: behind ${name}, pages of the site connect and others do not`,
    requires(name),
    () =>
      behind(name, config, async ({ proxy, upstream, open }) => {
        const client = open();
        assertEquals(await client.answer, "open");
        await client.echoes("Hello");
        await client.echoes("x".repeat(200_000));
        const [{ url, headers }] = upstream.requests as [UpgradeRequest];
        assertEquals(url.href, `http://127.0.0.1:${proxy.port}/a?b=c`);
        assertEquals(headers.get("x-forwarded-for"), "127.0.0.1");
        assertEquals(await open("http://evil.example").answer, 403);
        client.socket.close(4000);
        assertEquals(await within("The end", client.closed), 4000);
        await until("The end on the server", () => upstream.ends.length > 0);
        assertEquals(upstream.ends, ["4000"]);
      }),
  );

  test(`docs: ${name} with the server's address alone does what the table says`, requires(name), async () => {
    await behind(name, bare, async ({ open }) => {
      assertEquals(await open().answer === "open", cellOf("passes upgrades on", column) === "yes");
    });
    await behind(name, upgrading, async ({ proxy, upstream, open }) => {
      assertEquals(await open("https://other.example").answer, "open");
      const [{ headers }] = upstream.requests as [UpgradeRequest];
      const port = cellOf("`Host` that", column) === "as sent" ? proxy.port : upstream.port;
      assertEquals(headers.get("host"), `127.0.0.1:${port}`);
      assertEquals([cellOf("`Origin` that", column), headers.get("origin")], [
        "as sent",
        "https://other.example",
      ]);
      assertEquals(headers.has("x-forwarded-for"), cellOf("`X-Forwarded-For`", column) === "yes");
    }, { origins: "any" });
  });

  test(
    `docs: what a reload of ${name} does to open connections`,
    requires(name),
    () =>
      behind(name, config, async ({ proxy, upstream, open }) => {
        const next = await Upstream.start();
        try {
          const client = open();
          assertEquals(await client.answer, "open");
          await client.echoes("Hello");
          proxy.reload(next.port);
          await until("The reload", async () => await open().answer !== "open" || next.requests.length > 0);
          if (cellOf("a reload", column) === "leaves them open") return await client.echoes("still here");
          assertEquals(cellOf("a reload", column), "closes them");
          assertEquals(await within("The end", client.closed), 1001);
          await until("The end on the server", () => upstream.ends.length > 0);
          assertEquals(upstream.ends[0], "unmasked-frame");
        } finally {
          await next.stop();
        }
      }),
  );

  if (!LONG) continue;

  test(
    `docs: behind ${name}, pings keep a silent connection open`,
    requires(name),
    () =>
      behind(name, hasten(config), async ({ open }) => {
        const client = open();
        assertEquals(await client.answer, "open");
        await sleep(8_000);
        await client.echoes("still here");
      }, { keepalive: { interval: 1_000, timeout: 1_000 } }),
  );

  if (cellOf("cuts a silent", column) !== "never") {
    test(
      `docs: ${name} cuts a silent connection without pings`,
      requires(name),
      () =>
        behind(name, hasten(config), async ({ open }) => {
          const client = open();
          assertEquals(await client.answer, "open");
          assertEquals(await Promise.race([client.closed, sleep(PATIENCE)]), 1006);
        }, { keepalive: false }),
    );
  }

  if (!cellOf("a health check", column).startsWith("none")) {
    test(
      `docs: ${name} asks for health, and leaves open connections alone`,
      requires(name),
      () =>
        behind(name, hasten(balanced), async ({ upstream, open }) => {
          const answers = (expected: "open" | 503) => async () => {
            const { answer, socket } = open();
            const got = await answer;
            socket.terminate();
            return got === expected;
          };
          await until("The first connection", answers("open"));
          const client = open();
          assertEquals(await client.answer, "open");
          upstream.healthy = false;
          await until("The refusal", answers(503));
          await client.echoes("still here");
          upstream.healthy = true;
          await until("The next connection", answers("open"));
        }),
    );
  }
}

/** What the page says about TLS. */
const SECURED: readonly { name: ProxyName; secure: (config: string, pem: string) => string }[] = [
  {
    name: "nginx",
    secure: (config, pem) =>
      config.replace("listen 8000;", `listen 8000 ssl; ssl_certificate ${pem}; ssl_certificate_key ${pem};`),
  },
  { name: "haproxy", secure: (config, pem) => config.replace("bind :8000", `bind :8000 ssl crt ${pem}`) },
];

/** Runs a test with the path of a certificate and its key in one file. */
async function withCertificate(test: (pem: string, cert: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "sluice-proxy-tls-"));
  const pem = join(folder, "site.pem");
  const { cert, key } = makeCertificate();
  writeFileSync(pem, cert + key);
  try {
    await test(pem, cert);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

for (const { name, secure } of SECURED) {
  const { skip } = requires("openssl");
  test(
    `docs: ${name} ends TLS in front of Sluice`,
    skip === false ? requires(name) : { skip },
    () =>
      withCertificate((pem, cert) =>
        behind(name, secure(configsOf(name)[0]!, pem), async ({ proxy, upstream }) => {
          const site = `localhost:${proxy.port}`;
          const socket = await connect(`wss://${site}/`, { origin: `https://${site}`, tls: { ca: cert } });
          await socket.send("sealed");
          assertEquals(await receive(socket), "sealed");
          const [{ secure, url }] = upstream.requests as [UpgradeRequest];
          assertEquals([secure, url.href], [false, `http://${site}/`]);
          socket.close();
          await socket.closed;
        })
      ),
  );
}

/** What the page says about HTTP/2. */
const BRIDGES: readonly {
  name: ProxyName;
  fence: string;
  secure: (config: string, pem: string) => string;
}[] = [
  {
    name: "haproxy",
    fence: "haproxy",
    secure: (config, pem) => config.replace("bind :8000", `bind :8000 ssl crt ${pem} alpn h2`),
  },
  {
    name: "apache2",
    fence: "apache",
    secure: (config, pem) =>
      config.replace(
        "<VirtualHost *:8000>",
        `<VirtualHost *:8000>\nProtocols h2\nH2WebSockets On\nSSLEngine on\nSSLCertificateFile ${pem}`,
      ),
  },
];

for (const { name, fence, secure } of LONG ? BRIDGES : []) {
  test(
    `docs: ${name} translates WebSocket through HTTP/2, and a stream that is reset is 1006`,
    requires(name),
    () =>
      withCertificate((pem, cert) =>
        behind(name, secure(configsOf(fence)[0]!, pem), async ({ proxy, upstream }) => {
          const session = connectHttp2(`https://localhost:${proxy.port}`, { ca: cert });
          session.on("error", () => {});
          await until("The setting", () => session.remoteSettings?.enableConnectProtocol === true);
          const stream = session.request({
            ":method": "CONNECT",
            ":protocol": "websocket",
            ":path": "/",
            "sec-websocket-version": "13",
            "origin": `https://localhost:${proxy.port}`,
          });
          stream.on("error", () => {});
          const [{ ":status": status }] = await within("The answer", once(stream, "response"));
          assertEquals(status, 200);
          const [{ headers }] = upstream.requests as [UpgradeRequest];
          assertEquals(headers.get("content-length"), name === "apache2" ? "0" : null);
          stream.close(constants.NGHTTP2_CANCEL); // as Chromium does when a tab is closed
          await until("The end on the server", () => upstream.ends.length > 0);
          assertEquals(upstream.ends, ["connection-lost"]);
          session.destroy();
        })
      ),
  );
}
