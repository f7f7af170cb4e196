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
import { isMessage, type Message } from "../protocol/message_assembler.ts";
import { EncodedMessage, type PreparedMessage } from "../protocol/prepared_message.ts";
import { LIFE, type Life } from "../protocol/state.ts";
import type { ReadTarget } from "../protocol/read_buffers.ts";
import type { IncomingMessage } from "../streams/incoming_message.ts";
import { checkClose } from "./close_code.ts";
import type { ConnectionStart } from "./connection_start.ts";
import { ignorable, ignore, rejected } from "./deferred.ts";
import { CloseState, type ConnectionObserver, type EndHolder } from "./close_state.ts";
import { Deadline, type Expiring, type SharedTimer, startWaiting } from "./deadline.ts";
import { setSource } from "./error_source.ts";
import { type ForEachOptions, forEachTable, handEach, type MessageHandler } from "./for_each.ts";
import { Keepalive } from "./keepalive.ts";
import type { CheckedLimits } from "./limits.ts";
import { messageReadable, messageWritable } from "./message_streams.ts";
import { Outbox } from "./outbox.ts";
import { PendingPings } from "./pending_pings.ts";
import { MessageIterator, type ReadingObserver, ReceiveQueue } from "./receive_queue.ts";
import { checkSource, SendLine, type SendStreamOptions, sendStreamTable } from "./send_line.ts";
import { LastTask } from "./task.ts";
import type { Transport, TransportSink } from "./transport.ts";
import type { UpgradeRequest } from "./upgrade_request.ts";
import { incomingTable, pingTable } from "./connection_options.ts";
import type { CloseOptions, WebSocketConnection } from "./web_socket_connection.ts";
import type { IncomingOptions, PingOptions } from "./web_socket_connection.ts";

/** Implements {@linkcode WebSocketConnection} over a {@linkcode Transport}. */
export class Connection implements WebSocketConnection, TransportSink, EndHolder, ReadingObserver, Expiring {
  readonly request: UpgradeRequest<unknown> | undefined;
  readonly protocol: string;
  readonly extensions: string;

  readonly readTarget: ReadTarget;

  readonly #transport: Transport;
  readonly #endpoint: Endpoint;
  readonly #limits: CheckedLimits;
  readonly #outbox: Outbox;
  readonly #queue = new ReceiveQueue();
  #line: SendLine | undefined;
  #pings: PendingPings | undefined;
  #readable: ReadableStream<Message> | undefined;
  #writable: WritableStream<string | Bytes | PreparedMessage> | undefined;

  #paused = true;
  /** Whether it goes on in a moment, or in its next turn. */
  #pumpScheduled = false;
  /** Whether somebody has ever borrowed messages. */
  #lends = false;
  readonly #closeState = new CloseState();
  /** The state of which all has been done that it asks for, and the time within which the next must come. */
  #life: Life = LIFE.open;
  #deadline: Deadline | undefined;
  /** Looks whether the peer's end is due, once it has come; and how much keeps it from being answered. */
  #endTask: LastTask | undefined;
  #endHolders = 0;
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
    this.#endpoint = new Endpoint({ role, maxMessageSize, maxEmptyFragments, deflate, copyUpTo });
    this.#outbox = new Outbox(transport, this.#endpoint.output, highWaterMark);
    this.readTarget = this.#endpoint;
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
    if (transport.open) this.#pauseOrResume();
    else this.gone();
  }

  // What the user calls.

  get readable(): ReadableStream<Message> {
    return this.#readable ??= messageReadable(this.#queue, this);
  }

  get writable(): WritableStream<string | Bytes | PreparedMessage> {
    return this.#writable ??= messageWritable(this, this.#limits, this.#closeState);
  }

  get closed(): Promise<CloseInfo> {
    return this.#closeState.promise;
  }

  get bufferedAmount(): number {
    return this.#outbox.size + (this.#line?.size ?? 0);
  }

  get roundTrip(): number | undefined {
    return this.#pings?.latest;
  }

  [Symbol.asyncIterator](): AsyncIterator<Message, undefined> {
    return new MessageIterator(this.#queue, this);
  }

  forEach(handle: MessageHandler, options: ForEachOptions = {}): Promise<void> {
    aFunction(handle, "handle");
    checkOptions("options", options, forEachTable, "{ borrow: true }");
    const { borrow = false } = options;
    this.#lends ||= borrow;
    return ignorable(handEach(this.#queue, handle, { borrow, onAsked: () => this.asked() }));
  }

  incoming(options: IncomingOptions = {}): AsyncIterable<IncomingMessage, undefined> {
    checkOptions("options", options, incomingTable, "{ maxMessageSize: Infinity }");
    const { maxMessageSize = this.#limits.maxMessageSize } = options;
    const inbox = this.#queue.stream(() => this.asked());
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
    this.#take(() => this.#endpoint.sendClose({ closeCode, reason }));
    // What was held back is there to be thrown away.
    this.#pump();
  }

  abort(reason?: unknown): void {
    this.#cut(new WebSocketError("aborted", { cause: reason }), { reset: true });
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
    this.#closeState.observe(observer);
    if (!this.#transport.open) observer.gone();
  }

  holdEnd(): void {
    this.#endHolders++;
  }

  releaseEnd(): void {
    this.#endHolders--;
    this.#endTask?.queue();
  }

  // What the transport calls. What goes wrong here is this connection's own affair: nothing is thrown.

  data(bytes: Uint8Array): void {
    this.#keepalive?.heard();
    if (!this.#outbox.relieved) this.#endpoint.congested = true;
    if (this.#lends) this.#endpoint.ownMessages = !this.#queue.lendsViews();
    this.#endpoint.receive(bytes);
    if (this.#endpoint.decodesOnDemand && this.#transport.turnIsOver?.()) this.#endpoint.endTurn();
    this.#pump();
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
    this.#take(() => this.#endpoint.peerEnded());
  }

  gone(cause?: unknown): void {
    // Its next turn does not come.
    this.#pumpScheduled = false;
    try {
      // What had arrived is not lost with the stream: it stays readable, the error comes after it.
      for (const bytes of this.#transport.takeUnread?.() ?? []) this.#endpoint.receive(bytes);
      this.#decodeAll();
    } catch (error) {
      this.#crash(error);
    }
    this.#take(() => this.#endpoint.lost(cause));
    if (this.#endpoint.state === "lost") this.#drain();
    this.#outbox.fail(() => this.#notOpen());
    this.#closeState.tellGone();
  }

  /** When the keepalive wants to be asked. */
  get due(): number {
    return this.#keepalive!.due;
  }

  /** Does what the keepalive says is to be done now. */
  expire(): void {
    this.#transport.lookForProgress?.();
    const traffic = { reading: !this.#paused, sending: this.#outbox.size > 0 };
    const act = this.#keepalive!.at(performance.now(), traffic);
    this.#awaitKeepalive(this.#keepalive!);
    if (act === "cut") this.#cut(new WebSocketError("keepalive-timeout"), { reset: true });
    else if (act === "ping" && this.#outbox.relieved) this.ping();
  }

  goOn(): void {
    this.#pumpScheduled = false;
    this.#endpoint.startTurn();
    this.#pump();
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
  #pump(): void {
    try {
      if (this.#endpoint.state === "lost") return this.#drain();
      if (!this.#transport.open) return;
      for (let event = this.#next(); event !== undefined; event = this.#next()) this.#dispatch(event);
      if (this.#endpoint.finished) this.#flush();
      else if (this.#outbox.size > 0) this.#outbox.push();
      if (this.#endpoint.turnIsOver && !this.#pumpScheduled) {
        this.#pumpScheduled = true;
        this.#transport.yield();
      }
      this.#pauseOrResume();
      this.#execute();
    } catch (error) {
      this.#crash(error);
    }
  }

  asked(): void {
    if (this.#endTask === undefined) this.#pumpSoon();
    else this.#endTask.queue();
  }

  /** Goes on with what is held back: not at once, for it is a stream that asks, perhaps from inside of a call of ours. */
  #pumpSoon(): void {
    const holdsBack = this.#paused || this.#endpoint.state === "lost";
    if (!holdsBack || this.#pumpScheduled) return;
    this.#pumpScheduled = true;
    queueMicrotask(() => {
      this.#pumpScheduled = false;
      this.#pump();
    });
  }

  /** Takes what happened, and how the connection ended by that. */
  #take(happen: () => EndpointEvent | undefined): void {
    try {
      const event = happen();
      if (event !== undefined) this.#dispatch(event);
      this.#flush();
    } catch (error) {
      this.#crash(error);
    }
  }

  /** Goes on with what had arrived when the stream was lost; the loss comes after it. */
  #drain(): void {
    try {
      this.#decodeAll();
    } catch (cause) {
      this.#endpoint.fail(new WebSocketError("internal", { cause }));
    }
    if (this.#endpoint.state !== "lost") this.#queue.end({ error: this.#closeState.error });
  }

  /** Takes all that was received and there is room for. No turn ends it: what is left of a lost stream is little. */
  #decodeAll(): void {
    do {
      this.#endpoint.startTurn();
      for (let event = this.#next(); event !== undefined; event = this.#next()) this.#dispatch(event);
    } while (this.#endpoint.turnIsOver);
  }

  #next(): EndpointEvent | undefined {
    return this.#endpoint.decodesOnDemand && this.#full ? undefined : this.#endpoint.next();
  }

  #flush(): void {
    if (this.#transport.open && !this.#endpoint.life.destroy) this.#write();
    if (this.#outbox.size === 0) this.#endpoint.flushed();
    this.#execute();
  }

  #write(): void {
    this.#outbox.flush();
    if (!this.#endpoint.congested || !this.#outbox.relieved) return;
    this.#endpoint.relieve();
    this.#outbox.flush();
  }

  /** Does what the endpoint says is to be done about the stream. */
  #execute(): void {
    const { life } = this.#endpoint;
    const { deadline, shutdown, destroy } = this.#life;
    if (life === this.#life) return;
    this.#life = life;
    if (life.deadline !== deadline) this.#setDeadline(life.deadline !== undefined);
    if (life.shutdown && !shutdown) this.#transport.shutdown();
    if (life.destroy && !destroy) this.#transport.destroy();
  }

  #setDeadline(on: boolean): void {
    this.#deadline?.stop();
    this.#deadline = on
      ? new Deadline(this.#limits.closeTimeout, () => this.#take(() => this.#endpoint.late()))
      : undefined;
  }

  /** Fails the connection because of an exception that nobody expected: memory ran out, or the code is wrong. */
  #crash(cause: unknown): void {
    const error = new WebSocketError("internal", { cause });
    try {
      const event = this.#endpoint.fail(error);
      if (event === undefined) return this.#cut(error);
      this.#dispatch(event);
      this.#flush();
    } catch {
      this.#cut(error);
    }
  }

  #dispatch(event: EndpointEvent): void {
    if (isMessage(event)) this.#queue.push(event);
    else if (event.type === "part") this.#queue.part(event.part);
    else if (event.type === "pong") this.#pings?.settle(event.payload);
    else if (event.type === "end") this.#awaitTurnOfEnd();
    else if (event.type === "close") this.#settle(event.info);
    else this.#settle(event.error);
  }

  /** Waits until the keepalive is due. The sockets hold the process, as long as there are any. */
  #awaitKeepalive({ due }: Keepalive): void {
    this.#keepaliveTimer = startWaiting(this, Math.round(due - performance.now()), { background: true });
  }

  #stopKeepalive(): void {
    this.#keepaliveTimer?.delete(this);
    this.#keepalive = undefined;
  }

  /**
   * Lets the peer's end wait for its turn: until all messages are taken, and what was given to be sent is encoded. The peer
   * need not prove that it is alive: it has no more to say.
   *
   * Whether it is due is looked at in a task of its own, one that was queued after the last message was taken. By then
   * whoever has been handed the connection has begun to read it; what was read has passed through streams that transform
   * it; and tasks that a reader queued for its messages have run, and sent what they had to.
   */
  #awaitTurnOfEnd(): void {
    this.#stopKeepalive();
    this.#endTask = new LastTask(() => {
      if (this.#endHolders === 0 && this.#queue.exhausted) this.#take(() => this.#endpoint.allRead());
    });
    this.#endTask.queue();
  }

  /** Settles everything that waits for the end of the connection; the first end counts. */
  #settle(end: CloseInfo | WebSocketError): void {
    if (this.#closeState.settled) return;
    this.#stopKeepalive();
    this.#endTask = undefined;
    const failed = end instanceof WebSocketError;
    if (failed) setSource(end, this);
    if (this.#endpoint.state !== "lost") this.#queue.end(failed ? { error: end } : {});
    this.#line?.stop(this.#notOpen());
    this.#pings?.fail(this.#notOpen());
    this.#closeState.settle(end);
  }

  /**
   * Gives the connection up.
   *
   * @param options `reset`: whether the peer is dead, or nobody wants to hear of it: what was sent need not arrive.
   */
  #cut(error: WebSocketError, { reset = false }: { reset?: boolean } = {}): void {
    this.#endpoint.abort();
    this.#settle(error);
    if (reset) this.#transport.reset?.();
    this.#execute();
  }

  /** Whether there is no room for messages, and what comes in is not discarded. */
  get #full(): boolean {
    const { wanted, unread } = this.#queue;
    const most = Math.max(1, this.#limits.highWaterMark);
    return this.#endpoint.life.receives === "all" && !wanted && unread >= most;
  }

  /** Reads while there is room; not while it is others' turn. */
  #pauseOrResume(): void {
    const paused = this.#full || this.#endpoint.turnIsOver;
    if (paused === this.#paused) return;
    this.#paused = paused;
    if (paused) this.#transport.pause();
    else this.#transport.resume();
  }

  #notOpen(): WebSocketError {
    return setSource(new WebSocketError("not-open", { cause: this.#closeState.error }), this);
  }
}
