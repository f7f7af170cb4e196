/**
 * The end of a turn of the event loop, when what was sent during the turn goes out, and the next, when others had theirs.
 *
 * @module
 */

import type { TransportSink } from "../connection/transport.ts";

/** Something whose sink has gathered what is to be written. */
export interface Gathering {
  /** What to flush. */
  readonly sink: TransportSink;
  /** Whether it waits for the end of the turn. */
  due: boolean;
  /** Whether it can still be written to. */
  readonly open: boolean;
}

let waiting: Gathering[] = [];

/** Flushes a sink when everything that this turn has read is dealt with: one write a turn, not one a message. */
export function flushAtEndOfTurn(transport: Gathering): void {
  if (transport.due) return;
  transport.due = true;
  if (waiting.push(transport) === 1) setImmediate(flushAll);
}

/** Lets a sink go on when other sockets have been read from. */
export function goOnInNextTurn(transport: Gathering): void {
  setImmediate(() => transport.open && transport.sink.goOn());
}

function flushAll(): void {
  const transports = waiting;
  waiting = [];
  for (const transport of transports) {
    transport.due = false;
    if (transport.open) transport.sink.flush();
  }
}
