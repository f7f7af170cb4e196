/**
 * One connection of an echo load.
 *
 * @module
 */

import { type Exchange, readFrameSize } from "./frames.ts";
import type { RoundTrips } from "./round_trips.ts";
import type { Socket } from "./sockets.ts";

/** What all connections of a load share. */
export interface LoadState {
  readonly exchange: Exchange;
  readonly flight: number;
  /** How many bytes a reply has, all being alike; 0 until the first has come, if it is not known. */
  replySize: number;
  /** Whether a reply is answered by the next message. */
  running: boolean;
  /** Bytes of replies in this round. */
  received: number;
  /** Messages that have not come back. */
  outstanding: number;
  /** Set with one in flight alone. */
  readonly roundTrips: RoundTrips | undefined;
}

/** The first chunks of a connection are compared with what is expected, then one in this many. */
const CHECKED_ONE_IN = 64;

/** Keeps messages in flight, and counts the replies by their bytes. */
export class EchoClient {
  readonly #socket: Socket<EchoClient>;
  readonly #load: LoadState;
  /** Where in the expected bytes the next reply is. */
  #at = 0;
  #chunks = 0;
  /** Bytes of replies that do not make a whole one yet. */
  #partial = 0;
  /** Bytes that the kernel has not taken yet: whole frames, and what is left of one. */
  #unsent = 0;
  #sentAt = 0;

  constructor(socket: Socket<EchoClient>, load: LoadState) {
    this.#socket = socket;
    this.#load = load;
  }

  /** Puts as many messages in flight as the load has. */
  start(): void {
    this.#send(this.#load.flight);
  }

  /** Takes what the server sent. */
  take(bytes: Uint8Array): void {
    const load = this.#load;
    load.replySize ||= readFrameSize(bytes);
    this.#check(bytes);
    load.received += bytes.length;
    const length = this.#partial + bytes.length;
    const whole = Math.floor(length / load.replySize);
    this.#partial = length - whole * load.replySize;
    if (whole === 0) return;
    load.outstanding -= whole;
    load.roundTrips?.add(performance.now() - this.#sentAt);
    if (load.running) this.#send(whole);
  }

  /** Goes on writing where the kernel had no room. */
  flush(): void {
    const { frames, frameSize } = this.#load.exchange;
    while (this.#unsent > 0) {
      const skip = (frameSize - this.#unsent % frameSize) % frameSize;
      const end = Math.min(frames.length, skip + this.#unsent);
      const taken = this.#socket.write(frames.subarray(skip, end));
      this.#unsent -= Math.max(0, taken);
      if (taken < end - skip) return;
    }
  }

  #send(count: number): void {
    const load = this.#load;
    if (load.roundTrips !== undefined) this.#sentAt = performance.now();
    load.outstanding += count;
    this.#unsent += count * load.exchange.frameSize;
    this.flush();
  }

  /** Compares a sample of the replies with what they should be. */
  #check(bytes: Uint8Array): void {
    const { replies } = this.#load.exchange;
    if (replies === undefined) return;
    const start = this.#at;
    this.#at = (start + bytes.length) % replies.length;
    if (this.#chunks++ >= CHECKED_ONE_IN && this.#chunks % CHECKED_ONE_IN !== 0) return;
    for (let done = 0, at = start; done < bytes.length; at = 0) {
      const length = Math.min(bytes.length - done, replies.length - at);
      if (Buffer.compare(bytes.subarray(done, done + length), replies.subarray(at, at + length)) !== 0) {
        throw new Error("Cannot count the replies: one is not what was sent");
      }
      done += length;
    }
  }
}
