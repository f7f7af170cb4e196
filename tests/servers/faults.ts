/**
 * A server that is put under strain, on any of the three runtimes: the path says what its handler does, and plain HTTP
 * what has become of its connections.
 *
 * @module
 */

import { createHash } from "node:crypto";
import process from "node:process";
import { parseArgs } from "node:util";
import type { ErrorContext, ServeOptions } from "../../lib/server/serve_options.ts";
import type { WebSocketConnection, WebSocketError } from "../../mod.ts";
import { MESSAGE_SIZE, messageAt } from "../faults/pattern.ts";
import { certificateFromFlags } from "../support/certificate.ts";
import { heapUsed } from "../support/heap.ts";
import { serve } from "../support/sluice.ts";
import { timersRunning } from "../support/timers.ts";
import { watchTurns } from "../support/turns.ts";

const { values: flags } = parseArgs({
  options: {
    "keepalive": { type: "string" },
    "close-timeout": { type: "string", default: "5000" },
    "handshake-timeout": { type: "string", default: "10000" },
    "max-message-size": { type: "string", default: "1048576" },
    "max-connections": { type: "string", default: "Infinity" },
    "compression": { type: "boolean", default: false },
    "turns": { type: "boolean", default: false },
    "tls": { type: "boolean", default: false },
  },
});

const turns = flags.turns ? watchTurns() : undefined;

/** What is known of all connections so far. */
export interface Report {
  opened: number;
  /** How often `closed` settled, by close code and fault. */
  readonly settled: Record<string, number>;
  /** How many connections saw `closed` settle more than once. */
  settledTwice: number;
  /** How many handlers have come to their end. */
  handled: number;
  /** What `onError` heard: the message, behind the stage. */
  readonly errors: string[];
  /** What nobody caught. */
  readonly uncaught: string[];
  /** The most that was buffered for sending in one connection. */
  mostBuffered: number;
  /** How many connections the server lists. */
  connections: number;
  /** Where the connections are that have not settled, and how many bytes each has to send. */
  open: string[];
  /** How many timers run that keep the process, where the runtime tells. */
  timers: number;
}

const report: Report = {
  opened: 0,
  settled: {},
  settledTwice: 0,
  handled: 0,
  errors: [],
  uncaught: [],
  mostBuffered: 0,
  connections: 0,
  open: [],
  timers: 0,
};
process.on("unhandledRejection", (error) => report.uncaught.push(`rejection: ${error}`));
process.on("uncaughtException", (error) => report.uncaught.push(`exception: ${error}`));

type Do = (socket: WebSocketConnection, asked: URLSearchParams) => Promise<unknown>;

/** The connections that have not settled, and their paths. */
const open = new Map<WebSocketConnection, string>();

const gate = Promise.withResolvers<void>();

const handlers: Record<string, Do> = {
  async "/echo"(socket) {
    for await (const message of socket) await socket.send(message);
  },
  /** Reads nothing before it is let go; then reads up to a text and tells the digest of what came before. */
  async "/hold"(socket) {
    await gate.promise;
    await digest(socket);
  },
  "/digest": digest,
  async "/pour"(socket, asked) {
    await pours[asked.get("through") ?? "send"]!(socket, Number(asked.get("size")) / MESSAGE_SIZE);
  },
  /** Reads, and keeps nothing. */
  async "/read"(socket) {
    for await (const _ of socket) { /* thrown away */ }
  },
  /** Never reads of its own accord. */
  "/idle": (socket) => socket.closed,
  "/close": (socket) => Promise.resolve(socket.close()),
  /** Fills every buffer of a peer that does not read, then closes. */
  async "/stuff"(socket) {
    for (let i = 0; i < 640; i++) socket.send(messageAt(i));
    await Promise.race([socket.send("more"), new Promise((resolve) => setTimeout(resolve, 200))]);
  },
  "/throw": () => {
    throw new Error("thrown by the handler");
  },
  "/reject": () => Promise.reject(new Error("rejected by the handler")),
  "/never": () => new Promise(() => {}),
  async "/abort"(socket) {
    for await (const _ of socket) socket.abort();
  },
};

const pours: Record<string, (socket: WebSocketConnection, count: number) => Promise<void>> = {
  async send(socket, count) {
    for (let i = 0; i < count; i++) {
      const sent = socket.send(messageAt(i));
      noteBuffered(socket);
      await sent;
    }
  },
  async writer(socket, count) {
    const writer = socket.writable.getWriter();
    for (let i = 0; i < count; i++) {
      await writer.ready;
      writer.write(messageAt(i)).catch(() => {});
      noteBuffered(socket);
    }
    await writer.close();
  },
  async pipe(socket, count) {
    let i = 0;
    const messages = new ReadableStream<Uint8Array>({
      pull(controller) {
        noteBuffered(socket);
        if (i === count) controller.close();
        else controller.enqueue(messageAt(i++));
      },
    });
    await messages.pipeTo(socket.writable);
  },
};

function noteBuffered({ bufferedAmount }: WebSocketConnection): void {
  report.mostBuffered = Math.max(report.mostBuffered, bufferedAmount);
}

async function digest(socket: WebSocketConnection): Promise<void> {
  const hash = createHash("sha256");
  for await (const message of socket) {
    if (typeof message === "string") return await socket.send(hash.digest("hex"));
    hash.update(message);
  }
}

const pages: Record<string, () => Response | Promise<Response>> = {
  "/report"() {
    report.connections = server.connections.size;
    report.open = Array.from(open, ([{ bufferedAmount }, path]) => `${path} ${bufferedAmount}`);
    const { getActiveResourcesInfo: resources } = process as Partial<typeof process>;
    report.timers = resources?.call(process).filter((name) => name === "Timeout").length ?? 0;
    return Response.json(report);
  },
  /** How long the turns of the loop were since it was asked last. */
  "/turns": () => Response.json(turns?.()),
  /** What is left when garbage is collected; what was noted of errors is forgotten. */
  async "/remains"() {
    report.errors.length = 0;
    return Response.json({ heap: await heapUsed(), timers: timersRunning(), uncaught: report.uncaught });
  },
  "/release"() {
    gate.resolve();
    return new Response();
  },
  "/drain"() {
    setTimeout(async () => {
      const start = performance.now();
      await server.close({ timeout: 2_000 });
      console.log(`drained in ${Math.round(performance.now() - start)} ms`);
    }, 50);
    return new Response();
  },
  "/throw": () => {
    throw new Error("thrown by fetch");
  },
  "/reject": () => Promise.reject(new Error("rejected by fetch")),
  "/nothing": () => undefined as unknown as Response,
  "/broken": () =>
    new Response(new ReadableStream({ pull: (controller) => controller.error(new Error("broken body")) })),
};

/** Reads the interval and the timeout; or `default`. Without the flag there is none. */
function keepalive(given: string | undefined): Pick<ServeOptions, "keepalive"> {
  if (given === "default") return {};
  const [interval, timeout] = (given ?? "").split(",").map(Number);
  return { keepalive: given === undefined ? false : { interval: interval!, timeout: timeout! } };
}

const tls = certificateFromFlags();
const server = await serve(
  {
    ...tls !== undefined && { tls },
    hostname: "127.0.0.1",
    ...keepalive(flags.keepalive),
    closeTimeout: Number(flags["close-timeout"]),
    handshakeTimeout: Number(flags["handshake-timeout"]),
    maxMessageSize: Number(flags["max-message-size"]),
    maxConnections: Number(flags["max-connections"]),
    compression: flags.compression,
    authorize({ url }) {
      if (url.searchParams.get("authorize") === "throw") throw new Error("thrown by authorize");
      if (url.searchParams.get("authorize") === "reject") {
        return Promise.reject(new Error("rejected by authorize"));
      }
      if (url.searchParams.get("authorize") === "never") return new Promise<undefined>(() => {});
      return undefined;
    },
    protocols(offered) {
      if (offered.includes("throw")) throw new Error("thrown by protocols");
      return undefined;
    },
    origins(origin) {
      if (origin === "http://throw.test") throw new Error("thrown by origins");
      return true;
    },
    fetch: ({ url }) => pages[new URL(url).pathname]!(),
    onError(error, { stage, request }: ErrorContext) {
      report.errors.push(`${stage}: ${(error as Error).message}`);
      if (request?.url.searchParams.has("onerror")) throw new Error("thrown by onError");
    },
  },
  (socket, { url }) => {
    let ends = 0;
    const settle = (how: string) => {
      report.settled[how] = (report.settled[how] ?? 0) + 1;
      if (++ends > 1) report.settledTwice++;
      open.delete(socket);
    };
    report.opened++;
    open.set(socket, `${url.pathname}${url.search}`);
    socket.closed.then(
      ({ closeCode }) => settle(`${closeCode}`),
      ({ closeCode, code }: WebSocketError) => settle(`${closeCode} ${code}`),
    );
    const done = handlers[url.pathname]!(socket, url.searchParams);
    const count = () => void report.handled++;
    done.then(count, count);
    return done;
  },
);

process.on("exit", (code) => console.log(`exited with ${code}`));
const { address } = server;
if ("port" in address) {
  console.log(`listening on ${tls ? "wss" : "ws"}://${address.hostname}:${address.port}`);
}
