/**
 * Pings that wait for their Pong (RFC 6455 §5.5.3).
 *
 * @module
 */

import { type Bytes, copyBytes } from "../protocol/bytes.ts";
import { MAX_CONTROL_LENGTH } from "../protocol/header.ts";
import { Deferred } from "./deferred.ts";

interface PendingPing {
  readonly payload: Uint8Array;
  readonly sent: number;
  readonly roundTrip: Deferred<number>;
}

/** How many Pings may wait: a peer that sends data but never a Pong is alive, and keepalive goes on asking it. */
const MAX_PENDING = 64;

/** Measures round trips. A Pong answers its Ping and all before it: a peer may answer only the latest. */
export class PendingPings {
  #pending: PendingPing[] = [];
  #counter = 0;
  /** The latest round trip, in milliseconds. */
  latest: number | undefined;

  /**
   * Makes the payload of a Ping.
   *
   * @param data What the user gave for it; without that it is different for each.
   * @throws {RangeError} If it is over 125 bytes.
   */
  payload(data?: Bytes): Uint8Array {
    if (data === undefined) return this.#nextPayload();
    const payload = copyBytes(data);
    if (payload.length <= MAX_CONTROL_LENGTH) return payload;
    throw new RangeError(
      `Cannot ping: the data has ${payload.length} bytes, more than ${MAX_CONTROL_LENGTH}`,
    );
  }

  #nextPayload(): Uint8Array {
    const payload = new Uint8Array(4);
    new DataView(payload.buffer).setUint32(0, this.#counter++);
    return payload;
  }

  /**
   * Waits for the Pong of a Ping just sent.
   *
   * @returns The round trip, in milliseconds.
   */
  add(payload: Uint8Array, signal: AbortSignal | undefined): Promise<number> {
    const ping = { payload, sent: performance.now(), roundTrip: new Deferred<number>() };
    if (this.#pending.length === MAX_PENDING) {
      this.#giveUp(
        this.#pending[0]!,
        new DOMException("Cannot measure: too many Pings wait", "TimeoutError"),
      );
    }
    this.#pending.push(ping);
    if (signal !== undefined) this.#watch(ping, signal);
    return ping.roundTrip.promise;
  }

  /** Takes a Pong; one that nobody asked for is ignored. */
  settle(payload: Uint8Array): void {
    const index = this.#pending.findIndex((ping) => equal(ping.payload, payload));
    if (index === -1) return;
    const now = performance.now();
    const answered = this.#pending.splice(0, index + 1);
    this.latest = now - answered.at(-1)!.sent;
    for (const ping of answered) ping.roundTrip.resolve(now - ping.sent);
  }

  /** Gives up on all. */
  fail(error: unknown): void {
    for (const ping of this.#pending.splice(0)) ping.roundTrip.reject(error);
  }

  /** Gives up on a Ping when its signal is aborted; the signal, which may live long, is let go of with the Ping. */
  #watch(ping: PendingPing, signal: AbortSignal): void {
    const onAbort = () => this.#giveUp(ping, signal.reason);
    const letGo = () => signal.removeEventListener("abort", onAbort);
    signal.addEventListener("abort", onAbort);
    ping.roundTrip.promise.then(letGo, letGo);
  }

  #giveUp(ping: PendingPing, reason: unknown): void {
    const index = this.#pending.indexOf(ping);
    if (index !== -1) this.#pending.splice(index, 1);
    ping.roundTrip.reject(reason);
  }
}

function equal(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}
