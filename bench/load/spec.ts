/**
 * What one who asks for a load and the load itself agree on: lines of JSON on stdin and stdout.
 *
 * @module
 */

/** What a message holds: bytes, ASCII, text of which most is not ASCII, or JSON that is compressed. */
export type Content = "binary" | "ascii" | "unicode" | "deflated";

/** What an echo load does; its only argument, as JSON. */
export interface EchoSpec {
  readonly port: number;
  /** Whether the server is a plain socket: no handshake, and the bytes come back as they were. */
  readonly plain: boolean;
  readonly connections: number;
  /** Messages in flight on each connection. */
  readonly flight: number;
  /** Bytes of a message. */
  readonly size: number;
  readonly content: Content;
}

/** Asks for a round: how long new messages are sent, in milliseconds. */
export interface RoundRequest {
  readonly time: number;
}

/** What a round showed. */
export interface RoundResult {
  /** Messages echoed per second. */
  readonly rate: number;
  /** All messages of the round, with those that came back after its time. */
  readonly messages: number;
  /** Of the round trips of single messages, in microseconds; only measured with one in flight. */
  readonly p50?: number;
  readonly p99?: number;
}

/** Whose connections to open; the only argument of that load, as JSON. */
export interface OpenSpec {
  readonly port: number;
  readonly plain: boolean;
}

/** Asks for so many connections more; 0 closes them all. */
export interface OpenRequest {
  readonly open: number;
}

/** How long that took, in milliseconds. */
export interface OpenResult {
  readonly time: number;
}
