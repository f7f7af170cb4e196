/**
 * A {@linkcode Transport} with promises, for the handshake and for plain HTTP, where speed is not decided.
 *
 * @module
 */

import { HandshakeError } from "../errors.ts";
import { Deadline } from "./deadline.ts";
import { Deferred } from "./deferred.ts";
import type { Transport, TransportSink } from "./transport.ts";

/** Whoever takes the next bytes: a promise's two functions, or what does without a promise. */
export interface ChannelReader {
  /** Called with the bytes, as many as there are; with `undefined` at the end of the stream. */
  resolve(bytes: Uint8Array | undefined): void;
  /** Called if the channel has failed. */
  reject(error: unknown): void;
}

/** How much is written at a time, in bytes. */
const WRITE_SIZE = 65_536;

/** How long an answer may still take when the client has ended its direction: that may only mean that it has asked. */
export const LEFT_GRACE = 500;

/** How much is read of what a peer sends unasked while it is only watched, in bytes. */
const WATCH_SIZE = 16_384;

/** Reads and writes one thing at a time; between two reads the transport is paused. */
export class ByteChannel implements TransportSink {
  /** What it reads from and writes to. */
  readonly transport: Transport;
  /** Called when the stream is gone. */
  onGone: (() => void) | undefined;
  /** Called when the peer ends its direction, or else when the stream is gone; once. */
  onLeft: ((reason: HandshakeError) => void) | undefined;
  /** What was read while the peer was only watched. */
  #unread: Uint8Array[] = [];
  #left: HandshakeError | undefined;
  #onLeaving: (() => void) | undefined;
  #reader: ChannelReader | undefined;
  #writing: Deferred<void> | undefined;
  #ended = false;
  #failure: { readonly error: unknown } | undefined;

  /**
   * Takes over a transport, which must be paused.
   *
   * @param transport The transport; it is the channel's until another sink takes over.
   */
  constructor(transport: Transport) {
    this.transport = transport;
    transport.sink = this;
    if (!transport.open) this.gone();
  }

  /**
   * Reads the next bytes.
   *
   * @returns The bytes, as many as there are; `undefined` at the end of the stream.
   */
  read(): Promise<Uint8Array | undefined> {
    const read = new Deferred<Uint8Array | undefined>();
    this.readTo(read);
    return read.promise;
  }

  /** Calls one of a reader's methods, once: at once if the bytes are there, else as soon as they come. */
  readTo(reader: ChannelReader): void {
    if (this.#failure !== undefined) return reader.reject(this.#failure.error);
    if (this.#unread.length > 0) return reader.resolve(this.#unread.shift());
    if (this.#ended) return reader.resolve(undefined);
    this.#reader = reader;
    this.transport.resume();
  }

  /** Takes the reader, who is called once. */
  #takeReader(): ChannelReader | undefined {
    const reader = this.#reader;
    this.#reader = undefined;
    return reader;
  }

  /** Why the peer is taken for gone: it has ended its direction, as far as was read, or the stream is no more. */
  get left(): HandshakeError | undefined {
    return this.#left;
  }

  /** Watches the peer while nothing is read from it, so that its end is noticed. */
  watch(): void {
    if (this.#left === undefined) this.transport.resume();
  }

  /** Stops watching. */
  unwatch(): void {
    this.transport.pause();
  }

  /**
   * Watches the peer until some work is done, but waits no longer than the peer is there.
   *
   * @param work What is waited for. If the peer leaves first, its result is dropped.
   * @param options `grace`: how long to wait on when the peer has ended its direction only, in milliseconds.
   * @returns What the work results in.
   * @throws {HandshakeError} {@linkcode left}, if the peer left first. What the work fails with.
   */
  async whileThere<T>(work: Promise<T>, { grace = 0 }: { grace?: number } = {}): Promise<T> {
    const over = new Deferred<never>();
    let deadline: Deadline | undefined;
    const leave = () => {
      deadline?.stop();
      if (grace === 0 || !this.transport.open) over.reject(this.#left);
      else deadline = new Deadline(grace, () => over.reject(this.#left));
    };
    this.#onLeaving = leave;
    if (this.#left === undefined) this.watch();
    else leave();
    try {
      return await Promise.race([work, over.promise]);
    } finally {
      this.#onLeaving = undefined;
      deadline?.stop();
      this.unwatch();
    }
  }

  /** Takes what was read while the peer was only watched, and puts it behind other bytes. */
  takeUnread(before: Uint8Array): Uint8Array {
    if (this.#unread.length === 0) return before;
    const parts = [before, ...this.#unread.splice(0)];
    const joined = new Uint8Array(parts.reduce((size, part) => size + part.length, 0));
    parts.reduce((at, part) => (joined.set(part, at), at + part.length), 0);
    return joined;
  }

  /**
   * Writes bytes; settles when they may be used again. The bytes are the transport's until then.
   *
   * @param bytes What to write.
   * @param timeout How long the peer may take for each 64 KiB, in milliseconds, before the stream is cut.
   */
  async write(bytes: Uint8Array, timeout: number): Promise<void> {
    for (let at = 0; at < bytes.length; at += WRITE_SIZE) {
      const deadline = new Deadline(timeout, () => this.transport.destroy());
      try {
        await this.#writeOnce(bytes.subarray(at, at + WRITE_SIZE));
      } finally {
        deadline.stop();
      }
    }
  }

  /** Makes what is under way, and what follows, reject. */
  fail(error: unknown): void {
    if (this.#failure !== undefined) return;
    this.#failure = { error };
    this.#takeReader()?.reject(error);
    this.#writing?.reject(error);
  }

  /** Lets a channel that failed be written to once more: to say why. */
  recover(): void {
    if (this.transport.open) this.#failure = undefined;
  }

  /**
   * Ends the stream so that what was written arrives: ends our direction, then reads and throws away what comes until
   * the peer ends its own. To close at once, with input unread, would reset the connection and destroy our last words.
   *
   * @param timeout How long to wait for the peer, in milliseconds.
   */
  async linger(timeout: number): Promise<void> {
    const deadline = new Deadline(timeout, () => this.transport.destroy());
    this.transport.shutdown();
    try {
      while (await this.read() !== undefined) { /* thrown away */ }
    } catch {
      // Gone, which is what we are waiting for.
    }
    deadline.stop();
    this.transport.destroy();
  }

  data(bytes: Uint8Array): void {
    const reader = this.#takeReader();
    if (reader !== undefined) {
      this.transport.pause();
      return reader.resolve(bytes);
    }
    this.#unread.push(bytes);
    const size = this.#unread.reduce((sum, part) => sum + part.length, 0);
    // A peer that has sent more than that unasked is watched no longer.
    if (size >= WATCH_SIZE) this.transport.pause();
  }

  #writeOnce(bytes: Uint8Array): Promise<void> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure.error);
    if (this.transport.write(bytes)) return Promise.resolve();
    this.#writing = new Deferred();
    return this.#writing.promise;
  }

  drain(): void {
    this.#writing?.resolve();
    this.#writing = undefined;
  }

  end(): void {
    this.#ended = true;
    const reader = this.#takeReader();
    this.#leave(new HandshakeError("ended"));
    reader?.resolve(undefined);
  }

  gone(error?: unknown): void {
    const reason = new HandshakeError("ended", { cause: error });
    const reader = this.#takeReader();
    this.fail(reason);
    this.onGone?.();
    this.#leave(reason);
    reader?.reject(this.#failure!.error);
  }

  #leave(reason: HandshakeError): void {
    const first = this.#left === undefined;
    this.#left ??= reason;
    // Whoever waits gives up before the user's work is told to.
    this.#onLeaving?.();
    if (first) this.onLeft?.(reason);
  }

  goOn(): void {}

  flush(): void {
    // Every write goes out by itself.
  }
}
