/**
 * The driver of one open connection: it moves bytes between a {@linkcode Transport}, an {@linkcode Endpoint} and the user.
 *
 * @module
 */

import { WebSocketError } from "../errors.ts";
import { type Bytes, toBytes } from "../protocol/bytes.ts";
import { type CloseInfo, isCloseCode, NORMAL_CLOSURE } from "../protocol/close_payload.ts";
import { Endpoint, type EndpointEvent } from "../protocol/endpoint.ts";
import type { Role } from "../protocol/frame.ts";
import { MAX_CONTROL_LENGTH } from "../protocol/header.ts";
import type { Message } from "../protocol/message_assembler.ts";
import { Deferred, ignorable, ignore } from "./deferred.ts";
import { setSource } from "./error_source.ts";
import { after, type Limits } from "./limits.ts";
import { messageReadable, messageWritable } from "./message_streams.ts";
import { PendingPings } from "./pending_pings.ts";
import { ReceiveQueue } from "./receive_queue.ts";
import type { Transport, TransportSink } from "./transport.ts";
import type { CloseOptions, PingOptions, WebSocketConnection } from "./web_socket_connection.ts";

/** What a connection starts out with, its opening handshake being done. */
export interface ConnectionStart {
  /** Whose side we are. */
  role: Role;
  /** The subprotocol that was agreed on. */
  protocol: string;
  /** The extensions that were agreed on. */
  extensions: string;
  /** The limits, checked. */
  limits: Required<Limits>;
  /** The end of our handshake, if it is still to be sent: it goes out ahead of the first frame. */
  greeting?: Uint8Array;
  /** The bytes behind the peer's handshake: they are its first frames. */
  rest: Uint8Array;
}

/** One allocation for all calls of `send` that need not wait. */
const DONE: Promise<void> = Promise.resolve();

/** Implements {@linkcode WebSocketConnection} over a {@linkcode Transport}. */
export class Connection implements WebSocketConnection, TransportSink {
  readonly protocol: string;
  readonly extensions: string;
  readonly closed: Promise<CloseInfo>;
  /** Hears that the stream is gone and nothing of the connection is left. */
  onGone: (() => void) | undefined;

  readonly #transport: Transport;
  readonly #endpoint: Endpoint;
  readonly #role: Role;
  readonly #limits: Required<Limits>;
  readonly #queue = new ReceiveQueue();
  #pings: PendingPings | undefined;
  #readable: ReadableStream<Message> | undefined;
  #writable: WritableStream<string | Bytes> | undefined;

  #paused = true;
  /** The write under way, if any. */
  #writing: Uint8Array | undefined;
  /** What calls of `send` wait for that came while too much was buffered. */
  #relief: Deferred<void> | undefined;
  readonly #closed = new Deferred<CloseInfo>();
  #error: WebSocketError | undefined;
  #onError: ((error: WebSocketError) => void) | undefined;
  #closeTimer: ReturnType<typeof setTimeout> | undefined;
  #shutDown = false;
  #peerEnded = false;

  constructor(transport: Transport, start: ConnectionStart) {
    this.protocol = start.protocol;
    this.extensions = start.extensions;
    this.#transport = transport;
    this.#role = start.role;
    this.#limits = start.limits;
    const { maxMessageSize, maxEmptyFragments } = start.limits;
    this.#endpoint = new Endpoint({ role: start.role, maxMessageSize, maxEmptyFragments });
    this.closed = this.#closed.promise;
    transport.sink = this;
    if (start.greeting !== undefined) {
      this.#endpoint.output.raw(start.greeting);
      this.flush();
    }
    if (transport.open) {
      if (start.rest.length > 0) this.data(start.rest);
      this.#regulate();
    } else {
      this.gone();
    }
  }

  // What the user calls.

  get readable(): ReadableStream<Message> {
    return this.#readable ??= messageReadable({
      next: () => this.#next(),
      takeReady: () => this.#queue.lend(),
      cancel: () => this.close(),
    });
  }

  get writable(): WritableStream<string | Bytes> {
    return this.#writable ??= messageWritable(this, {
      highWaterMark: this.#limits.highWaterMark,
      onError: (listener) => this.#error === undefined ? (this.#onError = listener) : listener(this.#error),
    });
  }

  get bufferedAmount(): number {
    return this.#endpoint.output.size + (this.#writing?.length ?? 0);
  }

  [Symbol.asyncIterator](): AsyncIterator<Message, undefined> {
    // Without a `return` method, leaving the loop does not end anything.
    return { next: () => this.#next() };
  }

  send(data: string | Bytes): Promise<void> {
    const message = typeof data === "string" ? data : toBytes(data);
    if (this.#endpoint.state !== "open") return rejected(this.#notOpen());
    this.#endpoint.sendMessage(message);
    if (this.#endpoint.output.size >= this.#limits.highWaterMark) this.flush();
    else this.#deferFlush();
    return this.#relieved ? DONE : (this.#relief ??= new Deferred()).promise;
  }

  ping({ data, signal }: PingOptions = {}): Promise<number> {
    const pings = this.#pings ??= new PendingPings();
    const payload = data === undefined ? pings.nextPayload() : toBytes(data).slice();
    if (payload.length > MAX_CONTROL_LENGTH) {
      throw new RangeError(
        `Cannot ping: the data has ${payload.length} bytes, more than ${MAX_CONTROL_LENGTH}`,
      );
    }
    if (signal?.aborted) return rejected(signal.reason);
    if (this.#endpoint.state !== "open") return rejected(this.#notOpen());
    this.#endpoint.sendPing(payload);
    this.#deferFlush();
    return pings.add(payload, signal);
  }

  close({ closeCode = NORMAL_CLOSURE, reason = "" }: CloseOptions = {}): void {
    if (!Number.isInteger(closeCode) || !isCloseCode(closeCode) || closeCode === 1002) {
      throw new RangeError(`Cannot close: the code must not be sent: ${closeCode}`);
    }
    if (this.#endpoint.state !== "open") return;
    this.#endpoint.sendClose({ closeCode, reason: `${reason}` });
    this.#awaitEnd();
    this.flush();
    this.#regulate();
  }

  abort(reason?: unknown): void {
    this.#conclude(new WebSocketError("aborted", { cause: reason }));
    this.#transport.destroy();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
    await this.closed.then(ignore, ignore);
  }

  // What the transport calls.

  data(bytes: Uint8Array): void {
    this.#endpoint.congested = !this.#relieved;
    this.#endpoint.receive(bytes);
    for (let event = this.#endpoint.next(); event !== undefined; event = this.#endpoint.next()) {
      this.#handle(event);
    }
    if (this.#endpoint.output.size > 0 || this.#endpoint.finished) this.#deferFlush();
    this.#regulate();
  }

  drain(): void {
    if (this.#writing !== undefined) this.#endpoint.output.recycle(this.#writing);
    this.#writing = undefined;
    if (this.#relieved) this.#endpoint.relieve();
    this.flush();
  }

  end(): void {
    this.#peerEnded = true;
    const event = this.#endpoint.end();
    if (event !== undefined) this.#handle(event);
    this.flush();
  }

  gone(cause?: unknown): void {
    this.#conclude(new WebSocketError("connection-lost", { cause }));
    clearTimeout(this.#closeTimer);
    this.#closeTimer = undefined;
    this.#writing = undefined;
    this.#relief?.reject(this.#notOpen());
    this.#relief = undefined;
    this.onGone?.();
  }

  flush(): void {
    const { output } = this.#endpoint;
    if (this.#writing === undefined && output.size > 0) this.#write(output.take());
    if (this.#relief !== undefined && this.#relieved) {
      this.#relief.resolve();
      this.#relief = undefined;
    }
    if (this.#endpoint.finished && this.bufferedAmount === 0) this.#finish();
  }

  // What holds the two together.

  #write(bytes: Uint8Array): void {
    if (this.#transport.write(bytes)) return this.#endpoint.output.recycle(bytes);
    this.#writing = bytes;
  }

  #deferFlush(): void {
    if (this.#writing === undefined) this.#transport.defer();
  }

  #handle(event: EndpointEvent): void {
    if (event.type === "message") this.#queue.push(event.data);
    else if (event.type === "pong") this.#pings?.settle(event.payload);
    else if (event.type === "close") this.#conclude(event.info);
    else this.#conclude(event.error);
  }

  /** Settles everything that waits for the end of the connection; the first end counts. */
  #conclude(end: CloseInfo | WebSocketError): void {
    if (this.#queue.ended) return;
    if (end instanceof WebSocketError) {
      this.#error = setSource(end, this);
      this.#endpoint.end();
      this.#queue.end({ error: end });
      this.#closed.reject(end);
      this.#onError?.(end);
    } else {
      this.#queue.end({});
      this.#closed.resolve(end);
    }
    this.#pings?.fail(this.#notOpen());
    this.#awaitEnd();
  }

  /** Ends the stream once all frames are sent. The server goes first (RFC 6455 §7.1.1), or whoever fails (§7.1.7). */
  #finish(): void {
    if (
      !this.#shutDown && (this.#role === "server" || this.#peerEnded || this.#endpoint.state !== "closed")
    ) {
      this.#shutDown = true;
      this.#transport.shutdown();
    }
    if (this.#peerEnded) this.#transport.destroy();
  }

  /** Cuts the stream if the peer does not end it in time. */
  #awaitEnd(): void {
    if (!this.#transport.open) return;
    this.#closeTimer ??= after(this.#limits.closeTimeout, () => {
      this.#conclude(new WebSocketError("close-timeout"));
      this.#transport.destroy();
    });
  }

  /** Reads while there is room for messages, and always when what comes in is discarded. */
  #regulate(): void {
    const { wanted, unread } = this.#queue;
    const full = this.#endpoint.state === "open" && !wanted && unread >= this.#limits.highWaterMark;
    if (full === this.#paused) return;
    this.#paused = full;
    if (full) this.#transport.pause();
    else this.#transport.resume();
  }

  #next(): Promise<IteratorResult<Message, undefined>> {
    const next = this.#queue.next();
    if (this.#paused) this.#regulate();
    return next;
  }

  /** Whether `send` need not hold back. */
  get #relieved(): boolean {
    return this.bufferedAmount < this.#limits.highWaterMark || this.bufferedAmount === 0;
  }

  #notOpen(): WebSocketError {
    return setSource(new WebSocketError("not-open", { cause: this.#error }), this);
  }
}

function rejected(error: unknown): Promise<never> {
  return ignorable(Promise.reject(error));
}
