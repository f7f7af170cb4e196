/**
 * Sluice at both ends of a bad network.
 *
 * @module
 */

import { test } from "node:test";
import { assert, assertEquals } from "#std/assert";
import { figure, onLinux, onLinuxWithTls, soak, type Subject, within, withServer } from "../faults/faulty.ts";
import { makeRandom, SEED } from "../faults/random.ts";
import type { Order } from "../servers/dialler.ts";
import type { Report } from "../servers/faults.ts";
import { currentCertificate, overTls } from "../support/links.ts";
import { LONG } from "../support/long.ts";
import { pace } from "../support/patience.ts";
import { type Runtime, runtimes } from "../support/runtimes.ts";
import { ChaosProxy, type Plan, troubles } from "./chaos_proxy.ts";
import { withDialler } from "./dialler.ts";

const CONNECTIONS = soak ? 10_000 : LONG ? 1_000 : 300;
const ABREAST = 100;
const MESSAGES = 20;
/** The limits of both ends, in milliseconds: short, but of a machine that does nothing else. */
const limits = () => ({ keepalive: 400 * pace(), handshake: 1_500 * pace(), close: 500 * pace() });
type Limits = ReturnType<typeof limits>;

/** What becomes of clients on a bad network, and nothing else. */
const CLIENT_ENDS = new Set([
  "1000",
  "1006 connection-lost",
  "1006 keepalive-timeout",
  "1006 close-timeout",
  "handshake ended",
  // The server, whose time was up, said so.
  "handshake refused",
  "handshake timeout",
]);

/** What else does, over TLS: its own handshake is cut. */
const TLS_ENDS = new Set([...CLIENT_ENDS, "handshake unreachable"]);

/** And of the server's connections. */
const SERVER_ENDS = new Set(["1000", "1006 connection-lost", "1006 keepalive-timeout", "1006 close-timeout"]);

/** Each runtime is server once and client once. */
const pairs: readonly (readonly [client: Runtime, server: Runtime])[] = runtimes.map((client, i) => [
  client,
  runtimes[(i + 1) % runtimes.length]!,
]);

for (const [client, runtime] of pairs) {
  const name =
    `${CONNECTIONS} connections from ${client} to ${runtime} through a bad network: each ends once, none is told wrong`;
  test(name, onLinux, () => survive(client, runtime));
  if (LONG) test(`over TLS: ${name}`, onLinuxWithTls, () => overTls(() => survive(client, runtime)));
}

/** Has clients meet a server through a bad network, and holds both to what they must know in the end. */
function survive(client: Runtime, runtime: Runtime): Promise<void> {
  const limit = limits();
  const known = currentCertificate() ? TLS_ENDS : CLIENT_ENDS;
  return withServer(runtime, [
    `--keepalive=${limit.keepalive},${limit.keepalive}`,
    `--close-timeout=${limit.close}`,
    `--handshake-timeout=${limit.handshake}`,
    ...currentCertificate() ? ["--tls"] : [],
  ], async (server) => {
    const proxy = await ChaosProxy.start(server.port, planner());
    try {
      await withDialler(client, async (dialler) => {
        const outcome = await dialler.order(order(proxy.port, limit));
        const { opened, settled, errors } = await settledReport(server);
        figure(client, "to", runtime, JSON.stringify(outcome), "server", JSON.stringify(settled));
        const { ends, complete, ...faults } = outcome;
        assertEquals(faults, { endedTwice: 0, incomplete: 0, wrong: 0 }, `SLUICE_SEED=${SEED}`);
        assertEquals(sum(ends), CONNECTIONS);
        assertEquals(Object.keys(ends).filter((how) => !known.has(how)), [], `SLUICE_SEED=${SEED}`);
        // What is only slow must not be the end of anybody.
        const slow = ["none", "delay", "slices", "throttle"] as const;
        const unharmed = slow.reduce((total, trouble) => total + (proxy.met.get(trouble) ?? 0), 0);
        assert(complete >= unharmed, `${complete} were complete, ${unharmed} should be`);
        assertEquals(sum(settled), opened);
        assertEquals(
          Object.keys(settled).filter((how) => !SERVER_ENDS.has(how)),
          [],
          `SLUICE_SEED=${SEED}`,
        );
        assertEquals(errors.filter((text) => !text.startsWith("keepalive")), []);
        assertEquals((await dialler.remains()).uncaught, []);
      });
    } finally {
      await proxy.close();
    }
    await within(3_000, () => server.sockets(), 1);
  });
}

/** Waits until every connection of the server has settled. */
async function settledReport(server: Subject): Promise<Report> {
  await within(5_000, async () => {
    const { connections, open } = await server.report();
    return [connections, open];
  }, [0, []]);
  return await server.report();
}

/** Plans what connections meet: every trouble, at random places, in either direction. */
function planner(): () => Plan {
  const random = makeRandom();
  return () => ({
    trouble: troubles[Math.floor(random() * troubles.length)]!,
    // In the handshake, in the first messages, or in the middle.
    at: Math.floor(10 ** (random() * 4.5)),
    to: random() < 0.5 ? "server" : "client",
  });
}

function order(port: number, { keepalive, close, handshake }: Limits): Order {
  const certificate = currentCertificate();
  return {
    url: `${certificate ? "wss" : "ws"}://127.0.0.1:${port}/echo`,
    count: CONNECTIONS,
    abreast: ABREAST,
    messages: MESSAGES,
    end: "close",
    options: {
      keepalive: { interval: keepalive, timeout: keepalive },
      closeTimeout: close,
      handshakeTimeout: handshake,
      ...certificate && { tls: { ca: certificate.cert } },
    },
  };
}

function sum(counts: Record<string, number>): number {
  return Object.values(counts).reduce((total, count) => total + count, 0);
}
