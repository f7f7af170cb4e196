/**
 * The end of a turn of the event loop, when what was sent during the turn goes out, and the next, when others had theirs.
 *
 * @module
 */

import type { TransportSink } from "../connection/transport.ts";
import { Fifo } from "../protocol/fifo.ts";

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

function flushAll(): void {
  const transports = waiting;
  waiting = [];
  for (const transport of transports) {
    transport.due = false;
    if (transport.open) transport.sink.flush();
  }
}

/**
 * For how long those that have had their turn go on, one after the other, before sockets are looked at again, in
 * milliseconds. Each of them may take a millisecond, and there may be any number.
 */
const MAX_PHASE = 3;

/** When the first of those that asked in this turn asked. */
let turnStart: number | undefined;

/**
 * Tells whether those that were read from in this turn had their time, too: there may be any number of them, and each may
 * need a millisecond for what it decompresses. 20 of them held Bun's loop for 15 to 30 ms, Node's for 12.
 */
export function turnIsOver(): boolean {
  const now = performance.now();
  if (turnStart === undefined) {
    turnStart = now;
    setImmediate(() => turnStart = undefined);
  }
  return now - turnStart >= MAX_PHASE;
}

/** Those that have had their turn, the one that waits longest first. */
const resting = new Fifo<Gathering>();

function goOnWithFirst(): void {
  const transport = resting.shift();
  if (transport?.open) transport.sink.goOn();
}

/** When those that go on in this phase of the event loop have to stop; `undefined` before the first of them. */
let phaseEnd: number | undefined;

/** Lets a sink go on when other sockets have been read from. */
export function goOnInNextTurn(transport: Gathering): void {
  resting.push(transport);
  setImmediate(goOnInPhase);
}

/** One call for each that rests, so that what its user does with its messages is done before the next. */
function goOnInPhase(): void {
  const now = performance.now();
  if (phaseEnd === undefined) {
    phaseEnd = now + MAX_PHASE;
    setImmediate(() => phaseEnd = undefined);
  }
  if (now < phaseEnd) goOnWithFirst();
  else setImmediate(goOnInPhase);
}

/** Since when Deno has not looked at its sockets, as far as is known. */
let lookedAt: number | undefined;

/**
 * Lets a sink go on; on Deno, now and then behind a look at other sockets. As long as each turn leaves something to do,
 * Deno looks at them every 61st turn only: they waited 75 ms beside a flood. A timer makes it look, and those who rest wait
 * for a millisecond: others wait 4 ms, and a flood keeps three quarters of its rate.
 */
export function goOnBehindLook(transport: Gathering): void {
  waitForLook();
  queueMicrotask(() => {
    if (lookIsDue()) resting.push(transport);
    else if (transport.open) transport.sink.goOn();
  });
}

function waitForLook(): void {
  if (lookedAt !== undefined) return;
  lookedAt = performance.now();
  setTimeout(() => {
    if (resting.size === 0) lookedAt = undefined;
    // This timer may have been due for long. The next leaves a millisecond with nothing to do but to look.
    else setTimeout(goOnWithAll);
  });
}

function goOnWithAll(): void {
  lookedAt = undefined;
  waitForLook();
  goOnUntilLook();
}

function lookIsDue(): boolean {
  return performance.now() - lookedAt! > MAX_PHASE;
}

function goOnUntilLook(): void {
  goOnWithFirst();
  if (resting.size > 0 && !lookIsDue()) queueMicrotask(goOnUntilLook);
}
