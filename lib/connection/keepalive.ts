/**
 * Finding out that a peer is gone without a word: its machine is off, its cable is pulled (RFC 6455 §5.5.2).
 *
 * @module
 */

import { type Expiring, SharedTimer } from "./deadline.ts";
import type { KeepaliveOptions } from "./limits.ts";

/** How long to wait once more before the verdict: a process that was stopped has yet to read what came meanwhile. */
const GRACE = 50;

/**
 * How many timeouts a peer has that something waits for to be sent, or did since it was last heard of: it may read slowly,
 * with megabytes in the kernels of both sides in front of our Ping, and of most of that nobody tells us.
 */
const PATIENCE = 12;

/** What a {@linkcode Keepalive} asks of a connection: the same of each, so that none needs closures of its own. */
export interface KeepaliveQuestions<C> {
  /** Sends a Ping. */
  probe(connection: C): void;
  /** Whether bytes are read: a peer that we do not listen to is not dead. */
  listening(connection: C): boolean;
  /** Whether it may be busy reading what we sent; notes a sign of life if it has read since it was asked last. */
  sending(connection: C): boolean;
  /** Takes note that the peer is dead. */
  dead(connection: C): void;
}

/** What all connections wait for that have the same options. The sockets hold the process, as long as there are any. */
interface Rhythm {
  /** From the start to the first Ping, and from Ping to Ping while the timeout is longer than that. */
  readonly interval: SharedTimer;
  /** How many more Pings go out within the timeout. */
  readonly more: number;
  /** From the last of them to the question whether anything has come, if that is ever asked. */
  readonly verdict: SharedTimer | undefined;
  /** From there to the next such question, for a peer that may be busy reading. */
  readonly again: SharedTimer;
  /** From there to the next such question, while we do not read. */
  readonly paused: SharedTimer;
  /** From there to the verdict. */
  readonly grace: SharedTimer;
  /** From there to the next Ping. */
  readonly rest: SharedTimer;
}

const rhythms = new Map<string, Rhythm>();

function rhythmOf({ interval, timeout }: Required<KeepaliveOptions>): Rhythm {
  const key = `${interval} ${timeout}`;
  let rhythm = rhythms.get(key);
  if (rhythm === undefined) {
    const line = (time: number) => new SharedTimer(time, { background: true });
    const asks = timeout !== Infinity;
    const more = asks ? Math.max(0, Math.ceil(timeout / interval) - 1) : 0;
    const last = more === 0 ? timeout : timeout - more * interval;
    rhythm = {
      interval: line(interval),
      more,
      verdict: asks ? line(last) : undefined,
      again: line(timeout),
      paused: line(Math.min(interval, timeout / 2)),
      grace: line(GRACE),
      rest: line(asks ? Math.max(0, interval - last) : interval),
    };
    rhythms.set(key, rhythm);
  }
  return rhythm;
}

/** Sends a Ping every interval, and expects a byte, any byte, within the timeout. */
export class Keepalive<C> implements Expiring {
  readonly #connection: C;
  readonly #ask: KeepaliveQuestions<C>;
  readonly #rhythm: Rhythm;
  /** What it waits for. */
  #line: SharedTimer;
  /** Whether something has come since the Ping that the timeout counts from. */
  #alive = true;
  /** How many more Pings go out before that is asked. */
  #more = 0;
  /** How many more timeouts it is given if it may be reading. */
  #patience = PATIENCE;

  /** Starts to count. */
  constructor(connection: C, questions: KeepaliveQuestions<C>, options: Required<KeepaliveOptions>) {
    this.#connection = connection;
    this.#ask = questions;
    this.#rhythm = rhythmOf(options);
    this.#line = this.#rhythm.interval;
    this.#line.add(this);
  }

  /** Takes note of a sign of life. */
  noteLife(): void {
    this.#alive = true;
  }

  /** Ends it. */
  stop(): void {
    this.#line.delete(this);
  }

  expire(): void {
    const { verdict, again, paused, grace } = this.#rhythm;
    if (this.#line === verdict || this.#line === again || this.#line === paused) this.#judge();
    else if (this.#line === grace) this.#alive ? this.#rest() : this.#ask.dead(this.#connection);
    else this.#probe();
  }

  #probe(): void {
    const { interval, more, verdict, rest } = this.#rhythm;
    if (this.#alive || this.#more === 0) {
      this.#alive = false;
      this.#more = more;
      this.#patience = PATIENCE;
    } else this.#more--;
    this.#ask.probe(this.#connection);
    this.#wait(this.#more > 0 ? interval : verdict ?? rest);
  }

  #judge(): void {
    const sending = this.#ask.sending(this.#connection);
    if (this.#alive) return this.#rest();
    if (this.#ask.listening(this.#connection)) {
      const patient = sending && --this.#patience > 0;
      return this.#wait(patient ? this.#rhythm.again : this.#rhythm.grace);
    }
    // The first Ping may have made the kernel learn that the peer is gone: a second one fails for it. And a peer that
    // waits for us to read hears nothing else of us: with two Pings in each timeout it does not take us for dead.
    this.#ask.probe(this.#connection);
    this.#wait(this.#rhythm.paused);
  }

  #rest(): void {
    this.#wait(this.#rhythm.rest);
  }

  #wait(line: SharedTimer): void {
    this.#line = line;
    line.add(this);
  }
}
