/**
 * Finding out that a peer is gone without a word: its machine is off, its cable is pulled (RFC 6455 §5.5.2).
 *
 * @module
 */

import type { KeepaliveOptions } from "./limits.ts";

/** How long to wait once more before the verdict: a process that was stopped has yet to read what came meanwhile. */
const GRACE = 50;

/**
 * How many timeouts a peer has that something waits for to be sent, or did since it was last heard of: it may read slowly,
 * with megabytes in the kernels of both sides in front of our Ping, and of most of that nobody tells us.
 */
const PATIENCE = 12;

/** What is to be done about a peer now. */
export type KeepaliveAct = "nothing" | "ping" | "cut";

/** What a connection is doing when it asks. */
export interface Traffic {
  /** Whether bytes are read: a peer that is not read from is not dead. */
  readonly reading: boolean;
  /** Whether something waits to be sent: the peer may be busy reading. */
  readonly sending: boolean;
}

/**
 * Decides when to send a Ping, and when a peer is dead: no byte, any byte, came within the timeout. Times are numbers that
 * its caller takes from any clock, in milliseconds. It has no timer: {@linkcode Keepalive.at} is called at
 * {@linkcode Keepalive.due} or later, and then again, since each call sets the next time.
 */
export class Keepalive {
  /** When it wants to be asked again; `Infinity`: never. */
  due: number;
  readonly #options: Required<KeepaliveOptions>;
  /** What is due: a Ping, the question whether anything came since, or the last time to ask it. */
  #next: "ping" | "question" | "verdict" = "ping";
  /** Whether something has come since the Ping that the timeout counts from. */
  #alive = true;
  /** How many more Pings go out within the timeout. */
  #pingsLeft = 0;
  /** How many more timeouts it is given if it may be reading. */
  #patience = PATIENCE;
  /** Whether more was waiting to be sent than there was room for, since the peer was last heard of. */
  #congested = false;

  /**
   * Starts to count.
   *
   * @param options How often, and how long.
   * @param now The time.
   */
  constructor(options: Required<KeepaliveOptions>, now: number) {
    this.#options = options;
    this.due = now + options.interval;
  }

  /** Records that bytes came from the peer: it lives, and has read what was sent to it. */
  heard(): void {
    this.#alive = true;
    this.#congested = false;
  }

  /** Records that the peer made room for more of what it is sent: it lives. */
  progressed(): void {
    this.#alive = true;
  }

  /** Records that this was so while too much waited. It may have megabytes to read before it comes to a Ping. */
  progressedLate(): void {
    this.#alive = true;
    this.#congested = true;
  }

  /**
   * Tells what is to be done now, and sets when to ask again.
   *
   * @param now The time.
   * @param traffic What the connection is doing.
   */
  at(now: number, { reading, sending }: Traffic): KeepaliveAct {
    if (now < this.due) return "nothing";
    if (this.#next === "ping") return this.#ping(now);
    if (this.#alive) return this.#rest(now);
    if (this.#next === "verdict") return "cut";
    if (!reading) {
      // The first Ping may have made the kernel learn that the peer is gone: a second one fails for it. And a peer that
      // waits for us to read hears nothing else of us: with two Pings in each timeout it does not take us for dead.
      this.due = now + Math.min(this.#options.interval, this.#options.timeout / 2);
      return "ping";
    }
    const patient = (sending || this.#congested) && --this.#patience > 0;
    this.#next = patient ? "question" : "verdict";
    this.due = now + (patient ? this.#options.timeout : GRACE);
    return "nothing";
  }

  #ping(now: number): KeepaliveAct {
    const { interval, timeout } = this.#options;
    if (timeout === Infinity) {
      this.due = now + interval;
      return "ping";
    }
    if (this.#alive || this.#pingsLeft === 0) {
      this.#alive = false;
      this.#pingsLeft = morePings(this.#options);
      this.#patience = PATIENCE;
    } else this.#pingsLeft--;
    if (this.#pingsLeft === 0) this.#next = "question";
    this.due = now + (this.#pingsLeft > 0 ? interval : lastWait(this.#options));
    return "ping";
  }

  #rest(now: number): KeepaliveAct {
    this.#next = "ping";
    this.due = now + Math.max(0, this.#options.interval - lastWait(this.#options));
    return "nothing";
  }
}

/** How many Pings follow the first while the timeout lasts, one every interval. */
function morePings({ interval, timeout }: Required<KeepaliveOptions>): number {
  return Math.max(0, Math.ceil(timeout / interval) - 1);
}

/** How much of the timeout is left after the last of them. */
function lastWait(options: Required<KeepaliveOptions>): number {
  return options.timeout - morePings(options) * options.interval;
}
