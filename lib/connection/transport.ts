/**
 * The contract between a connection and the byte stream under it.
 *
 * @module
 */

import type { ReadTarget } from "../protocol/read_buffers.ts";

/** Where a peer is, as its socket says. */
export interface RemoteAddress {
  /** The IP address. */
  readonly hostname: string;
  /** The TCP port. */
  readonly port: number;
}

/**
 * Hears what a {@linkcode Transport} has to tell. Its methods never throw.
 */
export interface TransportSink {
  /** Where bytes are best read to, if it matters. */
  readonly readTarget?: ReadTarget;
  /** Takes bytes that arrived; they are the sink's own from now on. Never called while paused. */
  data(bytes: Uint8Array): void;
  /** Takes note that the write under way is done. */
  drain(): void;
  /** Records that the peer made room for more of the write under way: it reads. */
  progress?(): void;
  /** Writes what has gathered: the answer to {@linkcode Transport.defer}. */
  flush(): void;
  /** Goes on with what was received before: the answer to {@linkcode Transport.yield}. */
  goOn(): void;
  /** Takes note that the peer sends no more. Writing may still be possible. */
  end(): void;
  /** Takes note that the stream is gone in both directions; the last call, made exactly once. */
  gone(error?: unknown): void;
}

/**
 * A byte stream as a connection drives it. An adapter makes one for each socket.
 *
 * It MUST start out paused, keep back what it has read while paused, deliver calls in order and never from inside one of
 * its own methods, and call `gone` exactly once, after `destroy` too. It MUST NOT throw from any of its methods, and MUST
 * ignore calls after `gone`.
 */
export interface Transport {
  /** Who hears of what happens. It may be replaced while paused and not writing. */
  sink: TransportSink;
  /** Whether `gone` has not been called yet. */
  readonly open: boolean;
  /** Where the peer is; `undefined` where there is no such thing, as on a unix socket. */
  readonly remoteAddress: RemoteAddress | undefined;
  /** Whether the bytes go through TLS. */
  readonly secure: boolean;
  /** Whether the TLS handshake is still under way: nothing can be written before its end. @default {false} */
  readonly handshaking?: boolean;
  /** Up to how many bytes the engine copies sooner than it makes a view. @default {0} */
  readonly copyUpTo?: number;
  /** Lets bytes, and the end, be read. */
  resume(): void;
  /** Stops that again. */
  pause(): void;
  /**
   * Writes bytes. Only one write may be under way.
   *
   * @param bytes Not to be touched by the caller until the write is done.
   * @returns Whether the write is done already; if not, `drain` or `gone` will follow.
   */
  write(bytes: Uint8Array): boolean;
  /** Calls `progress` of the sink if there was some since the last time, where the platform does not tell by itself. */
  lookForProgress?(): void;
  /** Ends our direction, behind what was written. */
  shutdown(): void;
  /** Cuts both directions and frees the socket. What the kernel has taken still arrives. */
  destroy(): void;
  /** Does so at once, whatever becomes of what the kernel has taken. @default `destroy` */
  reset?(): void;
  /** Calls `flush` of the sink once what is ready to be done has been done, so that what it sends is gathered. May be called again before that. */
  defer(): void;
  /**
   * Hands over what had arrived and was held back because of a pause, when the stream is gone: it would be lost. Empty
   * before that, and the second time.
   */
  takeUnread?(): readonly Uint8Array[];
  /** Whether this turn of the event loop has been long enough: what needs much time then has to `yield` first. */
  turnIsOver?(): boolean;
  /** Calls `goOn` of the sink once other streams have had their turn. Never called again before that. */
  yield(): void;
}
