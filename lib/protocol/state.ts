/**
 * The life of a connection as data: which step leads from which state to which (RFC 6455 §7.1).
 *
 * Two rules: everything that moves the state is in this table, and the table does not know which role we play.
 *
 * @module
 */

/**
 * Where a connection stands after its opening handshake.
 *
 * - `open`: messages go both ways.
 * - `closeSent`: our Close is out; what still comes in is discarded until theirs.
 * - `closeReceived`: their Close is in, and waits until the messages before it are read; we may send until then.
 * - `violated`: the peer broke a rule, which waits in the same way: it has not been told.
 * - `closed`: both are exchanged.
 * - `failed`: the peer broke a rule, and was told if that was still possible.
 * - `lost`: the stream ended before both were exchanged.
 */
export type State = "open" | "closeSent" | "closeReceived" | "violated" | "closed" | "failed" | "lost";

/** What can happen to a connection. */
export type Step = "sendClose" | "receiveClose" | "violate" | "fail" | "end";

/** The table: state, step, next state. What is missing cannot happen. */
export const TRANSITIONS: Readonly<Record<State, Readonly<Partial<Record<Step, State>>>>> = {
  open: {
    sendClose: "closeSent",
    receiveClose: "closeReceived",
    violate: "violated",
    fail: "failed",
    end: "lost",
  },
  closeSent: { receiveClose: "closed", fail: "failed", end: "lost" },
  closeReceived: { sendClose: "closed", fail: "failed", end: "lost" },
  violated: { fail: "failed", end: "lost" },
  closed: { end: "closed" },
  failed: { end: "failed" },
  lost: {},
};

/**
 * Looks up where a step leads.
 *
 * @throws {Error} If the table has no such step: the caller, never the peer, is wrong.
 */
export function transition(state: State, step: Step): State {
  const next = TRANSITIONS[state][step];
  if (next === undefined) throw new Error(`Cannot take step "${step}": the state is "${state}"`);
  return next;
}
