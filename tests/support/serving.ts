/**
 * A server for the length of one test, and what tests do with connections.
 *
 * @module
 */

import type { Handler, ServeOptions } from "../../lib/server/serve_options.ts";
import type { Server } from "../../lib/server/server.ts";
import type { Message, WebSocketConnection } from "../../mod.ts";
import { currentCertificate } from "./links.ts";
import "./checked_pool.ts";
import { connect, serve } from "./sluice.ts";
import "./watch_sent.ts";
import { portOf } from "./wire.ts";
import { afterPatience, Patience } from "./patience.ts";

/** What a test gets: the server, and where it is. */
export interface Serving {
  readonly server: Server;
  readonly port: number;
  readonly url: string;
  /** Connects to the server; the connection is cut when the test is over, if it is still open. */
  open(options?: Parameters<typeof connect>[1]): Promise<WebSocketConnection>;
}

/** Runs a test against a server on a free port, over TLS if the test is such; both end before the promise settles. */
export async function serving<C = undefined>(
  options: ServeOptions<C>,
  handler: Handler<C>,
  test: (serving: Serving) => Promise<void>,
): Promise<void> {
  const tls = currentCertificate();
  const server = await serve({ hostname: "127.0.0.1", ...tls && { tls }, ...options }, handler);
  const port = portOf(server);
  const url = `${tls ? "wss" : "ws"}://127.0.0.1:${port}/`;
  const opened: WebSocketConnection[] = [];
  const open = async (options?: Parameters<typeof connect>[1]) => {
    const socket = await connect(url, { ...trusted(), ...options });
    opened.push(socket);
    return socket;
  };
  try {
    await test({ server, port, url, open });
  } finally {
    for (const socket of opened) socket.abort();
    await server.close({ timeout: 100 });
  }
}

/** What a client needs to trust the server that the running test talks to. */
export function trusted(): { tls?: { ca: string } } {
  const tls = currentCertificate();
  return tls ? { tls: { ca: tls.cert } } : {};
}

/** A handler that sends every message back. */
export async function echo(socket: WebSocketConnection): Promise<void> {
  for await (const message of socket) await socket.send(message);
}

/** Takes the next message. */
export async function receive(socket: WebSocketConnection): Promise<Message> {
  for await (const message of socket) return message;
  throw new Error("The connection ended");
}

/** Takes all messages up to the end. */
export async function receiveAll(socket: WebSocketConnection): Promise<Message[]> {
  const messages: Message[] = [];
  for await (const message of socket) messages.push(message);
  return messages;
}

/** Waits. */
export function sleep(time: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, time));
}

/** Tells whether a promise settles within a time. */
export async function settles(promise: Promise<unknown>, time: number): Promise<boolean> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<boolean>((resolve) => timer = setTimeout(() => resolve(false), time));
  const settled = await Promise.race([promise.then(() => true, () => true), late]);
  clearTimeout(timer);
  return settled;
}

/** Tells whether a promise settles within a limit that grows with the machine's load. */
export async function settlesInTime(promise: Promise<unknown>, limit: number): Promise<boolean> {
  const late = Promise.withResolvers<boolean>();
  const stop = afterPatience(limit, () => late.resolve(false));
  const settled = await Promise.race([promise.then(() => true, () => true), late.promise]);
  stop();
  return settled;
}

/** Waits until something is so; fails after five seconds of an idle machine. */
export async function until(condition: () => boolean): Promise<void> {
  const patience = new Patience(5_000);
  while (!condition()) {
    if (patience.isOver) throw new Error(`It never became so: ${condition}`);
    await sleep(5);
  }
}
