/**
 * Connections of clients, ended in every way there is.
 *
 * @module
 */

import { assertEquals } from "#std/assert";
import { Lane, type Subject } from "../faults/faulty.ts";
import type { Order } from "../servers/dialler.ts";
import { currentCertificate } from "../support/links.ts";
import { LONG } from "../support/long.ts";
import { runtimes } from "../support/runtimes.ts";
import { answer, scripted } from "../support/scripted_server.ts";
import { ChaosProxy, type Trouble } from "./chaos_proxy.ts";
import { type Dialler, withDialler } from "./dialler.ts";
import { assertNoLeak, CONNECTIONS } from "./leaks.ts";

/** A way to end: against which server, and what the clients then know. */
interface Ending {
  readonly where: "server" | "liar" | "nobody" | Trouble;
  readonly path?: string;
  readonly end: Order["end"];
  readonly messages?: number;
  readonly known: string;
}

const endings: Readonly<Record<string, Ending>> = {
  "a Close by the client": { where: "server", end: "close", messages: 2, known: "1000" },
  "a Close by the server": { where: "server", path: "/close", end: "wait", known: "1000" },
  "a cut by the client": { where: "server", end: "abort", messages: 1, known: "1006 aborted" },
  "a cut by the server": {
    where: "server",
    path: "/abort",
    end: "wait",
    messages: 1,
    known: "1006 connection-lost",
  },
  "a handler that throws": { where: "server", path: "/throw", end: "wait", known: "1011" },
  "a refusal": { where: "server", path: "/echo?authorize=throw", end: "wait", known: "handshake refused" },
  "a reset": { where: "reset", end: "wait", messages: 9, known: "1006 connection-lost" },
  "an end without a Close": { where: "half-close", end: "wait", messages: 9, known: "1006 connection-lost" },
  "a silence": { where: "silence", end: "wait", messages: 9, known: "1006 keepalive-timeout" },
  "a frame that is none": { where: "liar", end: "wait", known: "1002 reserved-bit" },
  "a server that is not there": { where: "nobody", end: "wait", known: "handshake unreachable" },
};

const FLAGS = ["--close-timeout=10000"];

const SHORT = { interval: 600, timeout: 400 };
const AMPLE = { interval: 20_000, timeout: 20_000 };

/** Behind how many bytes a connection is harmed: both handshakes are through, and a message or two. */
const at = () => currentCertificate() ? 5_000 : 1_500;

for (const runtime of runtimes) {
  const lane = new Lane("node");
  const testAll: Lane["test"] = LONG ? lane.testOverTcpAndTls.bind(lane) : lane.test.bind(lane);
  testAll(
    `a client on ${runtime} keeps nothing of connections that ended`,
    FLAGS,
    (server) =>
      scripted(lie, (url) =>
        withDialler(runtime, async (dialler) => {
          const urls = new Map([["server", server.urlOf("")], ["liar", url.slice(0, -1)], [
            "nobody",
            `${scheme()}://127.0.0.1:1`,
          ]]);
          const proxies = await startProxies(server, urls);
          try {
            await assertNoLeak(`client on ${runtime}:`, dialler, () => endAll(dialler, urls));
          } finally {
            await Promise.all(proxies.map((proxy) => proxy.close()));
          }
        })),
  );
}

/** What URLs of servers begin with. */
const scheme = () => currentCertificate() ? "wss" : "ws";

const lie = answer(
  "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
    "Sec-WebSocket-Accept: {accept}\r\n\r\n\xc1\x00",
);

/** Starts a proxy for each trouble that an ending needs. */
function startProxies(server: Subject, urls: Map<string, string>): Promise<ChaosProxy[]> {
  const troubles = ["reset", "half-close", "silence"] as const;
  return Promise.all(troubles.map(async (trouble) => {
    const proxy = await ChaosProxy.start(server.port, () => ({ trouble, at: at(), to: "client" }));
    urls.set(trouble, `${scheme()}://127.0.0.1:${proxy.port}`);
    return proxy;
  }));
}

/** Has clients end in every way. */
async function endAll(dialler: Dialler, urls: ReadonlyMap<string, string>): Promise<void> {
  const certificate = currentCertificate();
  const trust = certificate && { tls: { ca: certificate.cert } };
  const count = Math.ceil(CONNECTIONS / Object.keys(endings).length);
  await Promise.all(
    Object.entries(endings).map(async ([name, { where, path = "/echo", end, messages = 0, known }]) => {
      const outcome = await dialler.order({
        url: `${urls.get(where)}${path}`,
        count,
        abreast: Math.min(count, 30),
        messages,
        end,
        options: { closeTimeout: 10_000, keepalive: where === "silence" ? SHORT : AMPLE, ...trust },
      });
      assertEquals(outcome.ends, { [known]: count }, name);
    }),
  );
}
