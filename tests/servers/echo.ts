/**
 * The server that conformance checks, interop tests and benchmarks talk to, on any of the three runtimes.
 *
 * Path `/` echoes each message, read as `--api` says: `iterate`, `streams`, `each` or `each-borrow`; path `/fan` sends each message to every connection on `/fan`: those of all servers that
 * share a broker, given as `--broker redis://…` or `--broker nats://…`. Path `/close-order` takes 5 ms for each message
 * before it echoes it.
 *
 * @module
 */

import { parseArgs } from "node:util";
import type { ForEachOptions, WebSocketConnection } from "../../mod.ts";
import { Groups, type GroupsOptions } from "../../lib/groups/mod.ts";
import type { ServeOptions } from "../../lib/server/serve_options.ts";
import { certificateFromFlags } from "../support/certificate.ts";
import { serve } from "../support/sluice.ts";

const { values: flags } = parseArgs({
  options: {
    "port": { type: "string", default: "0" },
    "hostname": { type: "string", default: "127.0.0.1" },
    "api": { type: "string", default: "iterate" },
    "max-message-size": { type: "string" },
    "max-connections": { type: "string" },
    "handshake-timeout": { type: "string" },
    "close-timeout": { type: "string" },
    "protocols": { type: "string" },
    "compression": { type: "boolean", default: false },
    "compression-options": { type: "string" }, // JSON, beside --compression
    "keepalive": { type: "string" },
    "tls": { type: "boolean" },
    "broker": { type: "string" },
  },
});

const compressionOptions = flags["compression-options"];
const compression = flags.compression && (compressionOptions === undefined || JSON.parse(compressionOptions));

/** Turns what was given into numbers; what was not given is left to the defaults. */
function numbers(given: Record<string, string | undefined>): ServeOptions {
  const entries = Object.entries(given).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries.map(([name, value]) => [name, Number(value)]));
}

async function iterate(socket: WebSocketConnection): Promise<void> {
  for await (const message of socket) await socket.send(message);
}

const each = (options: ForEachOptions) => (socket: WebSocketConnection) =>
  socket.forEach((message) => socket.send(message), options);

const apis: Readonly<Record<string, (socket: WebSocketConnection) => Promise<void>>> = {
  iterate,
  "streams": ({ readable, writable }) => readable.pipeTo(writable),
  "each": each({}),
  "each-borrow": each({ borrow: true }),
};
const echo = apis[flags.api];
if (echo === undefined) throw new TypeError(`There is no API ${flags.api}, but ${Object.keys(apis)}`);

const groups = new Groups({
  slowConsumer: "wait",
  ...flags.broker !== undefined && await makeBroker(flags.broker),
});

/** Loads the clients only where they are asked for. */
async function makeBroker(url: string): Promise<GroupsOptions> {
  const { connectBroker } = await import("../support/broker_clients.ts");
  const { broker } = await connectBroker(url);
  return { broker, onError: (error, { stage }) => console.error(`The ${stage} failed: ${error}`) };
}

async function sendToAll(socket: WebSocketConnection): Promise<void> {
  await groups.join("fan", socket);
  for await (const message of socket) await groups.publish("fan", message);
}

async function echoSlowly(socket: WebSocketConnection): Promise<void> {
  for await (const message of socket) {
    await new Promise((resolve) => setTimeout(resolve, 5));
    await socket.send(message);
  }
}

const handlers: Readonly<Record<string, (socket: WebSocketConnection) => Promise<void>>> = {
  "/fan": sendToAll,
  "/close-order": echoSlowly,
};

/** Reads `MS`, for both interval and timeout, or `off`. */
function keepalive(given: string): NonNullable<ServeOptions["keepalive"]> {
  return given === "off" ? false : { interval: Number(given), timeout: Number(given) };
}

const tls = certificateFromFlags();
const server = await serve(
  {
    hostname: flags.hostname,
    hosts: "any", // checks send all kinds of names
    ...numbers({
      port: flags.port,
      maxMessageSize: flags["max-message-size"],
      maxConnections: flags["max-connections"],
      handshakeTimeout: flags["handshake-timeout"],
      closeTimeout: flags["close-timeout"],
    }),
    ...flags.keepalive !== undefined && { keepalive: keepalive(flags.keepalive) },
    ...tls !== undefined && { tls },
    compression,
    ...flags.protocols !== undefined && { protocols: flags.protocols.split(",") },
  },
  (socket, request) => (handlers[request.url.pathname] ?? echo)(socket),
);

const { address } = server;
if ("port" in address) {
  const scheme = tls === undefined ? "ws" : "wss";
  console.log(`listening on ${scheme}://${address.hostname}:${address.port}`);
}
