/**
 * The driver of one open connection: it moves bytes between a {@linkcode Transport}, an {@linkcode Endpoint} and the user.
 *
 * @module
 */

import { WebSocketError } from "../errors.ts";
import { type Bytes, toBytes } from "../protocol/bytes.ts";
import { aFunction } from "../options/checks.ts";
import { checkOptions } from "../options/option_table.ts";
import { type CloseInfo, NORMAL_CLOSURE } from "../protocol/close_payload.ts";
import { Endpoint, type EndpointEvent } from "../protocol/endpoint.ts";
import type { Role } from "../protocol/frame.ts";
import type { Message } from "../protocol/message_assembler.ts";
import { EncodedMessage, type PreparedMessage } from "../protocol/prepared_message.ts";
import type { IncomingMessage } from "../streams/incoming_message.ts";
import { checkClose } from "./close_code.ts";
import type { ConnectionStart } from "./connection_start.ts";
import { ignorable, ignore, rejected } from "./deferred.ts";
import { type Expiring, type SharedTimer, startWaiting } from "./deadline.ts";
import { type ConnectionObserver, Ending } from "./ending.ts";
import { setSource } from "./error_source.ts";
import { type ForEachOptions, forEachTable, handEach, type MessageHandler } from "./for_each.ts";
import { type EndHolder, HeldEnd, type HeldEndOwner } from "./held_end.ts";
import { Keepalive } from "./keepalive.ts";
import type { CheckedLimits } from "./limits.ts";
import { messageReadable, messageWritable } from "./message_streams.ts";
import { Outbox } from "./outbox.ts";
import { PendingPings } from "./pending_pings.ts";
import { ReceiveQueue } from "./receive_queue.ts";
import { checkSource, SendLine, type SendStreamOptions, sendStreamTable } from "./send_line.ts";
import type { Transport, TransportSink } from "./transport.ts";
import type { UpgradeRequest } from "./upgrade_request.ts";
import { incomingTable, pingTable } from "./connection_options.ts";
import type { CloseOptions, WebSocketConnection } from "./web_socket_connection.ts";
import type { IncomingOptions, PingOptions } from "./web_socket_connection.ts";

/** Implements {@linkcode WebSocketConnection} over a {@linkcode Transport}. */
export class Connection implements WebSocketConnection, TransportSink, EndHolder, HeldEndOwner, Expiring {
  readonly request: UpgradeRequest<unknown> | undefined;
  readonly protocol: string;
  readonly extensions: string;

  readonly #transport: Transport;
  readonly #endpoint: Endpoint;
  readonly #role: Role;
  readonly #limits: CheckedLimits;
  readonly #outbox: Outbox;
  readonly #queue = new ReceiveQueue();
  #line: SendLine | undefined;
  #pings: PendingPings | undefined;
  #readable: ReadableStream<Message> | undefined;
  #writable: WritableStream<string | Bytes | PreparedMessage> | undefined;

  #paused = true;
  /** Whether no more is decoded than there is room for: one read may bring a thousand times as much as was compressed. */
  readonly #decodesOnDemand: boolean;
  /** Whether it waits for its next turn. */
  #yielding = false;
  /** Whether somebody has ever borrowed messages. */
  #lends = false;
  /** Whether what was held back will be dealt with in a moment. */
  #workDue = false;
  readonly #ending = new Ending();
  /** The peer's end, while messages before it are unread. */
  #heldEnd: HeldEnd | undefined;
  /** How much keeps it from being answered besides. */
  #endHolders = 0;
  /** What the queue is to end with when all that had arrived before the stream was lost is taken. */
  #lateEnd: { readonly error: WebSocketError } | undefined;
  /** Says when to ping the peer, and what wakes it. */
  #keepalive: Keepalive | undefined;
  #keepaliveTimer: SharedTimer | undefined;

  constructor(transport: Transport, start: ConnectionStart) {
    this.request = start.request;
    this.protocol = start.protocol;
    this.extensions = start.extensions;
    this.#transport = transport;
    const { role, deflate } = start;
    const { maxMessageSize, maxEmptyFragments, highWaterMark, keepalive } = this.#limits = start.limits;
    const { copyUpTo } = transport;
    this.#role = role;
    this.#decodesOnDemand = deflate !== undefined;
    this.#endpoint = new Endpoint({ role, maxMessageSize, maxEmptyFragments, deflate, copyUpTo });
    this.#outbox = new Outbox(transport, this.#endpoint.output, highWaterMark);
    transport.sink = this;
    if (keepalive !== false) {
      this.#keepalive = new Keepalive(keepalive, performance.now());
      this.#awaitKeepalive(this.#keepalive);
    }
    if (start.greeting !== undefined) {
      this.#endpoint.output.raw(start.greeting);
      this.flush();
    }
    // It has arrived, whatever became of the stream in the meantime.
    if (start.rest.length > 0) this.data(start.rest);
    if (transport.open) this.#regulate();
    else this.gone();
  }

  // What the user calls.

  get readable(): ReadableStream<Message> {
    return this.#readable ??= messageReadable(this.#queue, {
      asked: () => this.#asked(),
      close: () => this.close(),
    });
  }

  get writable(): WritableStream<string | Bytes | PreparedMessage> {
    return this.#writable ??= messageWritable(this, this.#limits, this.#ending);
  }

  get closed(): Promise<CloseInfo> {
    return this.#ending.promise;
  }

  get bufferedAmount(): number {
    return this.#outbox.size + (this.#line?.size ?? 0);
  }

  get roundTrip(): number | undefined {
    return this.#pings?.latest;
  }

  [Symbol.asyncIterator](): AsyncIterator<Message, undefined> {
    return this.#queue.iterate(() => this.#asked());
  }

  forEach(handle: MessageHandler, options: ForEachOptions = {}): Promise<void> {
    aFunction(handle, "handle");
    checkOptions("options", options, forEachTable, "{ borrow: true }");
    const { borrow = false } = options;
    this.#lends ||= borrow;
    return ignorable(handEach(this.#queue, handle, { borrow, onAsked: () => this.#asked() }));
  }

  incoming(options: IncomingOptions = {}): AsyncIterable<IncomingMessage, undefined> {
    checkOptions("options", options, incomingTable, "{ maxMessageSize: Infinity }");
    const { maxMessageSize = this.#limits.maxMessageSize } = options;
    const inbox = this.#queue.stream(() => this.#asked());
    this.#endpoint.stream(maxMessageSize);
    return inbox;
  }

  send(data: string | Bytes | PreparedMessage): Promise<void> {
    const own = typeof data === "string" || data instanceof EncodedMessage ? data : toBytes(data as Bytes);
    if (!this.#endpoint.canSend) return rejected(this.#notOpen());
    if (this.#line?.busy) return this.#line.send(own);
    this.#endpoint.sendMessage(own);
    this.#outbox.push();
    return this.#outbox.untilRelieved();
  }

  sendStream(source: ReadableStream<string | Bytes>, options: SendStreamOptions = {}): Promise<void> {
    checkSource(source);
    checkOptions("options", options, sendStreamTable, '{ type: "text" }');
    if (!this.#endpoint.canSend) {
      const error = this.#notOpen();
      source.cancel(error).catch(ignore);
      return rejected(error);
    }
    this.#line ??= new SendLine({
      endpoint: this.#endpoint,
      outbox: this.#outbox,
      holder: this,
      notOpen: () => this.#notOpen(),
      fail: () => this.close({ closeCode: 1011 }),
    });
    return this.#line.stream(source, options);
  }

  ping(options: PingOptions = {}): Promise<number> {
    checkOptions("options", options, pingTable, "{ signal }");
    const { data, signal } = options;
    const pings = this.#pings ??= new PendingPings();
    const payload = pings.payload(data);
    if (signal?.aborted) return rejected(signal.reason);
    if (!this.#endpoint.canSend) return rejected(this.#notOpen());
    this.#endpoint.sendPing(payload);
    this.#outbox.push();
    return pings.add(payload, signal);
  }

  close(options: CloseOptions = {}): void {
    checkClose(options);
    if (!this.#endpoint.canSend) return;
    const { closeCode = NORMAL_CLOSURE, reason = "" } = options;
    const event = this.#endpoint.sendClose({ closeCode, reason });
    if (event === undefined) this.#awaitEnd();
    else this.#handle(event);
    this.flush();
    // What was held back is there to be thrown away.
    this.#work();
  }

  abort(reason?: unknown): void {
    this.#reset(new WebSocketError("aborted", { cause: reason }));
  }

  /** Cuts the stream for its server, which has waited long enough. What was sent before still arrives. */
  cut(): void {
    this.#cut(new WebSocketError("aborted"));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
    await this.closed.then(ignore, ignore);
  }

  /** Tells an observer of the end, be it past or to come. */
  observe(observer: ConnectionObserver): void {
    this.#ending.observe(observer);
    if (!this.#transport.open) observer.gone();
  }

  holdEnd(): void {
    this.#endHolders++;
  }

  releaseEnd(): void {
    this.#endHolders--;
    this.#heldEnd?.consider();
  }

  get endIsDue(): boolean {
    return this.#endHolders === 0 && this.#queue.exhausted;
  }

  answerEnd(): void {
    try {
      this.#handle(this.#endpoint.answer());
      this.#flush();
    } catch (error) {
      this.#crash(error);
    }
  }

  // What the transport calls. What goes wrong here is this connection's own affair: nothing is thrown.

  room(): Uint8Array | undefined {
    try {
      return this.#endpoint.room(this.#queue);
    } catch (error) {
      this.#crash(error);
    }
  }

  data(bytes: Uint8Array): void {
    this.#keepalive?.heard();
    if (!this.#outbox.relieved) this.#endpoint.congested = true;
    if (this.#lends) this.#endpoint.ownMessages = !this.#queue.lendsViews();
    this.#endpoint.receive(bytes);
    if (this.#decodesOnDemand && this.#transport.turnIsOver?.()) this.#endpoint.skipTurn();
    this.#work();
  }

  progress(): void {
    this.#keepalive?.progressed();
  }

  drain(): void {
    // Where much was waiting, the kernel made room because the peer has read. It may have megabytes before it still.
    if (!this.#outbox.relieved) this.#keepalive?.progressedLate();
    try {
      this.#outbox.drain();
      this.#flush();
    } catch (error) {
      this.#crash(error);
    }
  }

  end(): void {
    this.#ending.peerEnded = true;
    try {
      const event = this.#endpoint.end();
      if (event !== undefined) this.#handle(event);
      this.#flush();
    } catch (error) {
      this.#crash(error);
    }
  }

  gone(cause?: unknown): void {
    if (!this.#ending.known) this.#lose(new WebSocketError("connection-lost", { cause }));
    this.#outbox.fail(() => this.#notOpen());
    this.#ending.tellGone();
  }

  /** Does what the keepalive says is to be done now. */
  expire(): void {
    this.#transport.lookForProgress?.();
    const traffic = { reading: !this.#paused, sending: this.#outbox.size > 0 };
    const act = this.#keepalive!.at(performance.now(), traffic);
    this.#awaitKeepalive(this.#keepalive!);
    if (act === "cut") this.#reset(new WebSocketError("keepalive-timeout"));
    else if (act === "ping" && this.#outbox.relieved) this.ping();
  }

  goOn(): void {
    this.#yielding = false;
    this.#endpoint.rest();
    this.#work();
  }

  flush(): void {
    try {
      this.#flush();
    } catch (error) {
      this.#crash(error);
    }
  }

  // What holds the two together.

  /** Deals with what was received, up to what one turn allows for. */
  #work(): void {
    try {
      this.#workThrough();
    } catch (error) {
      this.#crash(error);
    }
  }

  #workThrough(): void {
    if (!this.#transport.open) return this.#drain();
    for (let event = this.#next(); event !== undefined; event = this.#next()) this.#handle(event);
    if (this.#endpoint.finished) this.#flush();
    else if (this.#outbox.size > 0) this.#outbox.push();
    if (this.#endpoint.weary && !this.#yielding) {
      this.#yielding = true;
      this.#transport.yield();
    }
    this.#regulate();
  }

  /** Goes on, a reader having asked for more, or left. */
  #asked(): void {
    if (this.#heldEnd === undefined) this.#workSoon();
    else this.#heldEnd.consider();
  }

  /** Goes on with what is held back: not at once, for it is a stream that asks, perhaps from inside of a call of ours. */
  #workSoon(): void {
    const holdsBack = this.#paused || this.#lateEnd !== undefined;
    if (!holdsBack || this.#workDue) return;
    this.#workDue = true;
    queueMicrotask(() => {
      this.#workDue = false;
      this.#work();
    });
  }

  /** Takes the loss of the stream. What had arrived is not lost with it: it stays readable, the error comes after it. */
  #lose(error: WebSocketError): void {
    try {
      for (const bytes of this.#transport.takeUnread?.() ?? []) this.#endpoint.receive(bytes);
      this.#takeAll();
      // Its turn does not come any more.
      if (this.#heldEnd !== undefined) this.#handle(this.#endpoint.answer());
    } catch (cause) {
      error = new WebSocketError("internal", { cause });
    }
    if (!this.#ending.known) this.#conclude(error);
  }

  /** Goes on with what had arrived when the stream was lost. */
  #drain(): void {
    if (this.#lateEnd === undefined) return;
    this.#takeAll();
    if (this.#endpoint.draining) return;
    this.#queue.end(this.#lateEnd);
    this.#lateEnd = undefined;
  }

  /** Takes all that was received and there is room for. No turn ends it: what is left of a lost stream is little. */
  #takeAll(): void {
    do {
      this.#endpoint.rest();
      for (let event = this.#next(); event !== undefined; event = this.#next()) this.#handle(event);
    } while (this.#endpoint.weary);
  }

  #next(): EndpointEvent | undefined {
    return this.#decodesOnDemand && this.#full ? undefined : this.#endpoint.next();
  }

  #flush(): void {
    this.#outbox.flush();
    if (this.#endpoint.congested && this.#outbox.relieved) {
      this.#endpoint.relieve();
      this.#outbox.flush();
    }
    if (!this.#endpoint.finished || this.#outbox.size > 0) return;
    // The server goes first (RFC 6455 §7.1.1), or whoever fails (§7.1.7).
    const first = this.#role === "server" || this.#endpoint.state !== "closed";
    this.#ending.finish(this.#transport, { first });
  }

  /** Fails the connection because of an exception that nobody expected: memory ran out, or the code is wrong. */
  #crash(cause: unknown): void {
    const error = new WebSocketError("internal", { cause });
    try {
      const event = this.#endpoint.fail(error);
      if (event === undefined) return this.#cut(error);
      this.#handle(event);
      this.#flush();
    } catch {
      this.#cut(error);
    }
  }

  #handle(event: EndpointEvent): void {
    if (event.type === "message") this.#queue.push(event.data);
    else if (event.type === "part") this.#queue.part(event.part);
    else if (event.type === "pong") this.#pings?.settle(event.payload);
    else if (event.type === "end") this.#meetEnd();
    else if (event.type === "close") this.#conclude(event.info);
    else this.#conclude(event.error);
  }

  /** Waits until the keepalive is due. The sockets hold the process, as long as there are any. */
  #awaitKeepalive({ due }: Keepalive): void {
    this.#keepaliveTimer = startWaiting(this, Math.round(due - performance.now()), { background: true });
  }

  #stopKeepalive(): void {
    this.#keepaliveTimer?.delete(this);
    this.#keepalive = undefined;
  }

  /** Lets the peer's end wait for its turn. The peer need not prove that it is alive: it has no more to say. */
  #meetEnd(): void {
    this.#stopKeepalive();
    this.#heldEnd = new HeldEnd(this, this.#limits.closeTimeout);
  }

  /** Settles everything that waits for the end of the connection; the first end counts. */
  #conclude(end: CloseInfo | WebSocketError): void {
    if (this.#ending.known) return;
    this.#stopKeepalive();
    this.#heldEnd?.stop();
    this.#heldEnd = undefined;
    const failed = end instanceof WebSocketError;
    if (failed) setSource(end, this);
    if (failed && end.code === "connection-lost" && this.#decodesOnDemand && this.#full) {
      this.#endpoint.lose();
      this.#lateEnd = { error: end };
    } else {
      if (failed) this.#endpoint.giveUp();
      this.#queue.end(failed ? { error: end } : {});
    }
    this.#line?.stop(this.#notOpen());
    this.#pings?.fail(this.#notOpen());
    this.#awaitEnd();
    this.#ending.tell(end);
  }

  /** Cuts the stream if the peer does not end it in time. */
  #awaitEnd(): void {
    if (!this.#transport.open) return;
    this.#ending.expect(this.#limits.closeTimeout, () => this.#cut(new WebSocketError("close-timeout")));
  }

  #cut(error: WebSocketError): void {
    this.#conclude(error);
    this.#transport.destroy();
  }

  /** Cuts the stream of a peer that is dead, or that nobody wants to hear of any more. */
  #reset(error: WebSocketError): void {
    this.#conclude(error);
    if (this.#transport.reset === undefined) this.#transport.destroy();
    else this.#transport.reset();
  }

  /** Whether there is no room for messages, and what comes in is not discarded. */
  get #full(): boolean {
    const { wanted, unread } = this.#queue;
    const discarding = this.#endpoint.state !== "open" && !this.#endpoint.draining;
    return !discarding && !wanted && unread >= Math.max(1, this.#limits.highWaterMark);
  }

  /** Reads while there is room; not while it is others' turn. */
  #regulate(): void {
    const paused = this.#full || this.#endpoint.weary;
    if (paused === this.#paused) return;
    this.#paused = paused;
    if (paused) this.#transport.pause();
    else this.#transport.resume();
  }

  #notOpen(): WebSocketError {
    return setSource(new WebSocketError("not-open", { cause: this.#ending.error }), this);
  }
}
