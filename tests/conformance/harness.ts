/**
 * Plays a case to Sluice, whichever role it has and wherever it runs.
 *
 * @module
 */

import { Opcode } from "../../lib/protocol/frame.ts";
import { sameBytes, show } from "../vectors/hex.ts";
import { type Case, close, type FrameSpec, gets, send, type Step } from "./case.ts";
import type { Peer } from "./peer.ts";
import type { Received } from "./strict_reader.ts";
import { afterPatience } from "../support/patience.ts";

/** Says that what had to come did not, in the time that there was. */
export class TooLateError extends Error {}

/**
 * Plays a case to its end, the end of the stream included.
 *
 * @param row The case.
 * @param peer A connection whose opening handshake is done. It is cut afterwards.
 * @param limit How long it may take on an idle machine, in milliseconds.
 * @throws {Error} If anything else comes than what must, if it comes too late, or if Sluice breaks a rule of its own.
 */
export async function play(row: Case, peer: Peer, limit: number): Promise<void> {
  const performance = new Performance(peer);
  let late = false;
  const stop = afterPatience(limit, () => {
    late = true;
    peer.destroy();
  });
  try {
    for (const step of row.steps) await performance.take(step);
    await performance.finish();
  } catch (error) {
    const report = performance.report();
    if (late) throw new TooLateError(`nothing more came within ${limit} ms; ${report}`);
    throw new Error(`${(error as Error).message}; ${report}`, { cause: error });
  } finally {
    stop();
    peer.destroy();
  }
}

/** How long a client is watched that has to leave the end of the stream to the server, in milliseconds. */
const PATIENCE = 3;

/** One case being played. */
class Performance {
  readonly #peer: Peer;
  readonly #log: string[] = [];
  /** Whether the Close frames are exchanged, or Sluice has failed the connection. */
  #state: "open" | "closed" | "failed" = "open";
  #awaited = "";

  constructor(peer: Peer) {
    this.#peer = peer;
  }

  /** Says what came, and what did not. */
  report(): string {
    const came = this.#log.length === 0 ? "nothing" : this.#log.slice(-12).join(", ");
    return `awaited: ${this.#awaited || "nothing"}; came: ${came}`;
  }

  async take(step: Step): Promise<void> {
    if (step.type === "send") {
      await this.#peer.send(step);
    } else if (step.type === "gets") {
      await this.#expect(step.frame);
      if (isClose(step.frame.first)) this.#state = "closed";
    } else {
      this.#awaited = `a Close with ${step.code}`;
      const received = await this.#next();
      if (received?.opcode !== Opcode.Close || codeOf(received) !== step.code) throw different(received);
      this.#state = "failed";
    }
  }

  /** Closes if nothing has, and sees the stream end: a server goes first, and whoever fails (§7.1.1, §7.1.7). */
  async finish(): Promise<void> {
    if (this.#state === "open") {
      await this.take(send(close(1000)));
      await this.take(gets(close(1000)));
    }
    this.#awaited = "the end of the stream";
    if (this.#peer.role === "client" && this.#state === "closed") {
      await new Promise((resolve) => setTimeout(resolve, PATIENCE));
      if (this.#peer.ended !== undefined) throw new Error("the client ended the stream before the server");
      this.#peer.end();
    }
    const received = await this.#next();
    if (received !== undefined) throw different(received);
    this.#peer.end();
  }

  async #expect({ first, payload }: FrameSpec): Promise<void> {
    const wanted = { opcode: first & 15, payload };
    this.#awaited = nameOf(wanted);
    const received = await this.#next();
    if (received?.opcode !== wanted.opcode || !sameBytes(received.payload, payload)) {
      throw different(received);
    }
  }

  async #next(): Promise<Received | undefined> {
    const received = await this.#peer.next();
    this.#log.push(nameOf(received));
    return received;
  }
}

function different(received: Received | undefined): Error {
  return new Error(`${nameOf(received)} came`);
}

const NAMES: Readonly<Record<number, string>> = { 1: "text", 2: "binary", 8: "Close", 9: "Ping", 10: "Pong" };

function nameOf(received: Received | undefined): string {
  if (received === undefined) return "the end of the stream";
  return `${NAMES[received.opcode]} [${show(received.payload)}]`;
}

function isClose(first: number): boolean {
  return (first & 15) === Opcode.Close;
}

function codeOf({ payload }: Received): number {
  return payload.length < 2 ? 1005 : (payload[0]! << 8) | payload[1]!;
}
