/**
 * A bad network: a TCP proxy in this process that delays, slices, stalls, throttles, half-closes and resets.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { connect, createServer, type Server, type Socket } from "node:net";
import { sleep } from "../support/serving.ts";

/** What a network does to one connection. */
export const troubles = [
  "none",
  "delay",
  "slices",
  "throttle",
  "stall",
  "silence",
  "half-close",
  "reset",
] as const;

/** One of the things that a network does. */
export type Trouble = typeof troubles[number];

/** What is going to happen to a connection. */
export interface Plan {
  readonly trouble: Trouble;
  /** Behind how many bytes it begins, or happens. */
  readonly at: number;
  /** Which direction it happens to. */
  readonly to: "server" | "client";
}

/** How many bytes a second pass while they are throttled. */
const RATE = 200_000;
const STALL = 250;
/** How many slices of a byte there are, before they grow. */
const TINY = 400;

/** A proxy that follows a plan for each connection. */
export class ChaosProxy {
  readonly port: number;
  /** How many connections came to which plan. */
  readonly met: Map<Trouble, number> = new Map();
  readonly #server: Server;
  readonly #sockets: Set<Socket> = new Set();
  #closing = false;

  private constructor(server: Server) {
    this.#server = server;
    this.port = (server.address() as { port: number }).port;
  }

  /**
   * Listens.
   *
   * @param target The port that it leads to.
   * @param plan Says what the next connection meets.
   */
  static async start(target: number, plan: () => Plan): Promise<ChaosProxy> {
    const server = createServer({ allowHalfOpen: true, noDelay: true });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const proxy = new ChaosProxy(server);
    server.on("connection", (client) => proxy.#join(client, target, plan()));
    return proxy;
  }

  /** Cuts what is left, and listens no more. */
  async close(): Promise<void> {
    this.#closing = true;
    const closed = new Promise((resolve) => this.#server.close(resolve));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  #join(client: Socket, target: number, plan: Plan): void {
    if (this.#closing) return void client.destroy();
    this.met.set(plan.trouble, (this.met.get(plan.trouble) ?? 0) + 1);
    const server = connect({ port: target, host: "127.0.0.1", allowHalfOpen: true, noDelay: true });
    for (const socket of [client, server]) {
      this.#sockets.add(socket);
      // What goes wrong is seen by who reads.
      socket.on("error", () => {}).on("close", () => this.#sockets.delete(socket));
    }
    const clear: Plan = { trouble: "none", at: 0, to: plan.to };
    pass(client, server, plan.to === "server" ? plan : clear);
    pass(server, client, plan.to === "client" ? plan : clear);
  }
}

/** Passes on what comes from one socket to the other, up to the end or the plan's. */
async function pass(from: Socket, to: Socket, plan: Plan): Promise<void> {
  let passed = 0;
  let stalled = false;
  try {
    for await (const chunk of from) {
      for (const piece of piecesOf(chunk as Buffer, plan, passed)) {
        if (passed + piece.length > plan.at && !stalled) {
          if (await strike(from, to, plan)) return;
          stalled = plan.trouble === "stall";
        }
        if (plan.trouble === "throttle") await sleep(piece.length / RATE * 1_000);
        await new Promise((resolve) => to.write(piece, resolve));
        passed += piece.length;
      }
    }
    to.end();
  } catch {
    to.resetAndDestroy();
  }
}

/** Cuts a chunk as the plan has it, and where the plan begins. */
function* piecesOf(chunk: Buffer, { trouble, at }: Plan, passed: number): Generator<Buffer> {
  const tiny = trouble === "slices";
  for (let from = 0; from < chunk.length;) {
    const place = passed + from;
    const size = tiny && place < TINY ? 1 : tiny ? 1_009 : trouble === "throttle" ? 8_192 : chunk.length;
    const border = place < at ? at - place : Infinity;
    yield chunk.subarray(from, from += Math.min(size, border, chunk.length - from));
  }
}

/** Does what the plan has for this moment; tells whether nothing passes any more. */
async function strike(from: Socket, to: Socket, { trouble }: Plan): Promise<boolean> {
  switch (trouble) {
    case "delay":
      await sleep(20);
      return false;
    case "stall":
      await sleep(STALL);
      return false;
    case "silence":
      await new Promise((resolve) => to.once("close", resolve));
      return true;
    case "half-close":
      to.end();
      from.resume();
      return true;
    case "reset":
      from.resetAndDestroy();
      to.resetAndDestroy();
      return true;
    default:
      return false;
  }
}
