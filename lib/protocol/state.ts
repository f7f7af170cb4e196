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
 * - `closeReceived`: their Close is in; ours is the only thing that may still go out.
 * - `closed`: both are exchanged.
 * - `failed`: the peer broke a rule, and was told if that was still possible.
 * - `lost`: the stream ended before both were exchanged.
 */
export type State = "open" | "closeSent" | "closeReceived" | "closed" | "failed" | "lost";

/** What can happen to a connection. */
export type Step = "sendClose" | "receiveClose" | "fail" | "end";

/** The table: state, step, next state. What is missing cannot happen. */
export const TRANSITIONS: Readonly<Record<State, Readonly<Partial<Record<Step, State>>>>> = {
  open: { sendClose: "closeSent", receiveClose: "closeReceived", fail: "failed", end: "lost" },
  closeSent: { receiveClose: "closed", fail: "failed", end: "lost" },
  closeReceived: { sendClose: "closed", end: "lost" },
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
