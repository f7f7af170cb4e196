/**
 * What `serve` and `attach` share: who gets in, whose handler runs, and how all of it ends.
 *
 * @module
 */

import {
  acceptUpgrade,
  checkHost,
  checkOrigin,
  forbidden,
  readUpgrade,
  type ReceivedRequest,
  type ReceivedUpgrade,
  refuse,
  reject,
} from "../connection/accept.ts";
import type { ByteChannel } from "../connection/byte_channel.ts";
import { closeTable } from "../connection/close_code.ts";
import type { Connection } from "../connection/connection.ts";
import { Deadline } from "../connection/deadline.ts";
import { Deferred } from "../connection/deferred.ts";
import { readResponse } from "../connection/response_shape.ts";
import type { ServerConnection } from "../connection/web_socket_connection.ts";
import type { IncomingUpgrade } from "../connection/upgrade_request.ts";
import { HandshakeError } from "../errors.ts";
import { aTime } from "../options/checks.ts";
import { checkOptions, type OptionTable } from "../options/option_table.ts";
import { isUpgrade } from "../handshake/server_handshake.ts";
import type { Callers } from "./callers.ts";
import { defaultOnError } from "./default_on_error.ts";
import { answerRequest } from "./fetch_answer.ts";
import { refusedHandshake, type RefusedRequest } from "./refused_handshake.ts";
import { Session, type SessionHost } from "./session.ts";
import type { ErrorContext, Handler, ServerSettings } from "./serve_options.ts";

/** How long a server waits for its handlers when it is closed, in milliseconds. */
const DEFAULT_DRAIN_TIMEOUT = 10_000;

/** How long an upgrade waits for a place that is about to be free, in milliseconds: a client may have closed one for it. */
const PLACE_GRACE = 500;

/** How to close a server. */
export interface ServerCloseOptions {
  /** What to close the connections with. @default {1001} */
  closeCode?: number;
  /** Why. @default {""} */
  reason?: string;
  /** How long to wait for handlers, in milliseconds, before connections are cut. @default {10000} */
  timeout?: number;
}

/** What those options may be. */
const serverCloseTable = (): OptionTable<ServerCloseOptions> => ({ ...closeTable, timeout: aTime });

/** Something under way: a connection with its handler, or a request that is not answered. */
interface Task {
  /** Whether nothing is left of it but what a function of the user's does. */
  readonly ended: boolean;
  /** Cuts it short. */
  abort(): void;
}

/** What an acceptor needs of those that have one. */
export interface AcceptorHost {
  /** Tells whose call one is, where the runtime can. */
  readonly callers?: Callers | undefined;
  /** Called once all is over: the end of `close` waits for it. */
  release(): void | Promise<void>;
}

/** Takes sockets, decides on their upgrades, runs the handler for each connection, and closes all of them. */
export class Acceptor<C> {
  /** The connections that are open. */
  readonly connections: Set<Connection & ServerConnection<C>> = new Set();
  readonly #settings: ServerSettings<C>;
  readonly #host: SessionHost<C>;
  readonly #server: AcceptorHost;
  /** Requests that are not decided on, and those that were refused: nobody waits for them. */
  readonly #pending: Set<Task> = new Set();
  /** What has to end before the server is closed: each connection with its handler, each answer to plain HTTP. */
  readonly #tasks: Set<Task> = new Set();
  /** Those of them whose functions closed the server: to wait for these may be to wait for oneself. */
  readonly #closers: Set<Task> = new Set();
  /** Settled when there is no task left. */
  #idle: Deferred<void> | undefined;
  /** Settled when there is none left but those that closed the server. */
  #othersOver: Deferred<void> | undefined;
  /** Whose sockets count as connections, from the request's head until the socket is gone. */
  readonly #places: Set<Task> = new Set();
  /** Settled when one of them is free. */
  #placeFree: Deferred<void> | undefined;
  #closed: Promise<void> | undefined;
  readonly #closing = new AbortController();

  /**
   * Makes an acceptor.
   *
   * @param settings The options, checked.
   * @param handler What each connection is for.
   * @param server What it works for.
   * @throws {TypeError} If the handler is no function.
   */
  constructor(settings: ServerSettings<C>, handler: Handler<C>, server: AcceptorHost) {
    if (typeof handler !== "function") {
      throw new TypeError(`Cannot serve: the handler must be a function, not ${typeof handler}`);
    }
    this.#settings = settings;
    this.#server = server;
    this.#host = {
      handle: (session, socket, request) => this.#run(session, () => handler(socket, request)),
      report: (error, context) => this.report(error, context),
      closed: ({ connection }) => this.connections.delete(connection),
      gone: (session) => {
        this.#leavePlace(session);
        this.#tellClosers();
      },
      over: (session) => this.#finish(session),
    };
  }

  /** Aborted when the server begins to close: what waits for that moment is over then. */
  get closing(): AbortSignal {
    return this.#closing.signal;
  }

  /**
   * Closes what is open, waits for handlers up to the timeout, then cuts what is left; new upgrades get 503.
   *
   * @returns Settles when nothing is left; called by a function of the user's that a task waits for, when nothing is
   *   left but such callers. Calling it again waits for the same end.
   * @throws {TypeError | RangeError} If an option is wrong.
   */
  close(options: ServerCloseOptions = {}): Promise<void> {
    checkOptions("options", options, serverCloseTable(), "{ closeCode: 1001 }");
    const { closeCode = 1001, reason = "", timeout = DEFAULT_DRAIN_TIMEOUT } = options;
    const inside = this.#noteCloser();
    const closed = this.#closed ??= this.#drain({ closeCode, reason, timeout });
    if (!inside) return closed;
    this.#othersOver ??= new Deferred();
    this.#tellClosers();
    return this.#othersOver.promise;
  }

  /** Tells whether the call comes from within a task, which is waited for to its end then, but not by itself. */
  #noteCloser(): boolean {
    const caller = this.#server.callers?.getStore() as Task | undefined;
    if (caller === undefined) return false;
    if (this.#pending.delete(caller)) this.#tasks.add(caller);
    if (!this.#tasks.has(caller)) return false;
    this.#closers.add(caller);
    return true;
  }

  #tellClosers(): void {
    if (this.#othersOver === undefined || this.#tasks.size > this.#closers.size) return;
    for (const task of this.#closers) if (!task.ended) return;
    this.#othersOver.resolve();
  }

  /** Calls a function of the user's on behalf of a task. */
  #run<T>(task: Task, call: () => T): T {
    const { callers } = this.#server;
    return callers === undefined ? call() : callers.run(task, call);
  }

  /**
   * Serves one socket up to its end, or to its upgrade. Never rejects.
   *
   * @param channel The socket.
   * @param receive Reads the head of its request.
   */
  async accept(
    channel: ByteChannel,
    receive: () => ReceivedRequest | Promise<ReceivedRequest>,
  ): Promise<void> {
    const { limits } = this.#settings;
    const task: Task = { ended: true, abort: () => channel.transport.destroy() };
    this.#pending.add(task);
    let received: ReceivedRequest | undefined;
    try {
      received = await receive();
      this.#checkHost(received);
      await (isUpgrade(received.head) ? this.#upgrade(received, task) : this.#answer(received, task));
    } catch (error) {
      const fault = error instanceof HandshakeError ? error : new HandshakeError("internal");
      const { remoteAddress } = channel.transport;
      this.tellRefused(fault, { fields: received?.head.headers, remoteAddress });
      await refuse(channel, fault, limits);
    } finally {
      this.#pending.delete(task);
      this.#leavePlace(task);
      this.#finish(task);
    }
  }

  /** Tells the user of a refusal of ours, but of clients that left, and of what `onError` was called with. */
  tellRefused(error: HandshakeError, request: RefusedRequest): void {
    const { onRefused } = this.#settings;
    if (onRefused === undefined || error.code === "ended" || error.code === "internal") return;
    const fail = (failure: unknown) => this.report(failure, { stage: "handshake" });
    try {
      Promise.resolve(onRefused(refusedHandshake(error, request))).catch(fail);
    } catch (failure) {
      fail(failure);
    }
  }

  #checkHost(received: ReceivedRequest): void {
    try {
      checkHost(received, this.#settings.hosts());
    } catch (error) {
      if (!(error instanceof HandshakeError)) this.report(error, { stage: "accept" });
      throw error;
    }
  }

  /** Answers plain HTTP. What has been asked for is answered, also while the server closes. */
  async #answer(received: ReceivedRequest, task: Task): Promise<void> {
    const { channel } = received;
    const { fetch } = this.#settings;
    this.#pending.delete(task);
    this.#tasks.add(task);
    this.#places.add(task);
    await answerRequest(received, {
      ...this.#settings,
      fetch: fetch && ((request) => this.#run(task, () => fetch(request))),
      onError: this.#host.report,
    });
    // A client that stays is waited for, but not by whoever closes the server.
    const lingering: Task = { ended: true, abort: task.abort };
    this.#pending.add(lingering);
    this.#finish(task);
    await channel.linger(this.#settings.limits.closeTimeout);
    this.#pending.delete(lingering);
  }

  async #upgrade(received: ReceivedRequest, task: Task): Promise<void> {
    if (this.#placeComes) await received.channel.whileThere(this.#waitForPlace());
    if (this.#closed !== undefined || this.#isFull) throw new HandshakeError("overloaded");
    this.#places.add(task);
    await this.#decide(readUpgrade<C>(received), task);
  }

  get #isFull(): boolean {
    return this.#places.size >= this.#settings.maxConnections;
  }

  /** Whether there is no place, but not because of connections that are open: then there may be one soon. */
  get #placeComes(): boolean {
    return this.#closed === undefined && this.#isFull &&
      this.connections.size < this.#settings.maxConnections;
  }

  /** Waits until a place is free, or it makes no more sense to wait. */
  async #waitForPlace(): Promise<void> {
    const late = new Deferred<void>();
    const deadline = new Deadline(PLACE_GRACE, () => late.resolve());
    let waiting = true;
    late.promise.then(() => waiting = false);
    while (waiting && this.#placeComes) {
      await Promise.race([late.promise, (this.#placeFree ??= new Deferred()).promise]);
    }
    deadline.stop();
  }

  #leavePlace(task: Task): void {
    this.#places.delete(task);
    this.#placeFree?.resolve();
    this.#placeFree = undefined;
  }

  /** Asks the user whether an upgrade is wanted, and does as told. */
  async #decide(upgrade: ReceivedUpgrade<C>, task: Task): Promise<void> {
    const { accept, authorize } = this.#settings;
    const { request, channel } = upgrade;
    try {
      const judging = this.#run(task, () => this.#judge(upgrade));
      const mayTakeLong = authorize !== undefined || typeof accept.origins === "function";
      const refusal = await (mayTakeLong ? channel.whileThere(judging) : judging);
      if (refusal !== undefined) return await this.#reject(upgrade, refusal);
      // Whoever decided may have closed the server.
      if (this.#closed !== undefined) throw new HandshakeError("overloaded");
      const connection = await acceptUpgrade(upgrade, accept);
      // The socket is the connection's: to close the server, also first thing in the handler, ends it by a Close.
      this.#pending.delete(task);
      // Nobody waits for a handler that starts after the server was closed.
      if (this.#closed !== undefined) return connection.abort();
      this.connections.add(connection);
      const session = new Session(connection, request, this.#host);
      this.#tasks.add(session);
      this.#places.add(session);
      session.start();
    } catch (error) {
      if (!(error instanceof HandshakeError)) this.report(error, { stage: "accept", request });
      throw error;
    }
  }

  /** Returns the response that refuses an upgrade, if it is to be refused. */
  async #judge(upgrade: ReceivedUpgrade<C>): Promise<Response | undefined> {
    // Before the user's own code: it should not have to think of origins.
    await checkOrigin(upgrade, this.#settings.accept);
    return await this.#authorize(upgrade);
  }

  /** Asks `authorize`, and keeps what it returns as the context, unless that is a refusal: a response, or `false`. */
  async #authorize({ request, channel }: ReceivedUpgrade<C>): Promise<Response | undefined> {
    try {
      const answer = await this.#settings.authorize?.(request as IncomingUpgrade<undefined>);
      const refusal = answer === false ? forbidden() : readResponse("authorize", answer);
      if (refusal !== undefined) return refusal;
      request.context = answer as C;
      return undefined;
    } catch (error) {
      // That the client left is not the user's fault.
      if (error !== channel.left) this.report(error, { stage: "authorize", request });
      throw new HandshakeError("internal", { cause: error });
    }
  }

  async #reject({ channel, request }: ReceivedUpgrade<C>, refusal: Response): Promise<void> {
    try {
      await reject(channel, refusal, this.#settings.limits);
    } catch (error) {
      this.report(error, { stage: "authorize", request });
      throw new HandshakeError("internal", { cause: error });
    }
  }

  #finish(task: Task): void {
    this.#tasks.delete(task);
    this.#closers.delete(task);
    if (this.#tasks.size === 0) this.#idle?.resolve();
    this.#tellClosers();
  }

  /** Tells the user of an error. One that fails at that costs nobody a connection. */
  report(error: unknown, context: ErrorContext): void {
    const fail = (failure: unknown) => {
      defaultOnError(error, context);
      defaultOnError(failure, context);
    };
    try {
      Promise.resolve(this.#settings.onError(error, context)).catch(fail);
    } catch (failure) {
      fail(failure);
    }
  }

  async #drain({ timeout, ...info }: Required<ServerCloseOptions>): Promise<void> {
    this.#closing.abort();
    this.#placeFree?.resolve();
    for (const task of this.#pending) task.abort();
    for (const connection of this.connections) connection.close(info);
    await this.#untilIdle(timeout);
    this.#cut();
    this.#othersOver?.resolve();
    await this.#server.release();
  }

  /** Waits for what is under way, but not for ever. */
  async #untilIdle(timeout: number): Promise<void> {
    if (this.#tasks.size === 0) return;
    const idle = this.#idle = new Deferred<void>();
    const deadline = new Deadline(timeout, () => idle.resolve());
    await idle.promise;
    deadline.stop();
  }

  /** Ends what did not end by itself. */
  #cut(): void {
    for (const task of this.#tasks) task.abort();
    for (const task of this.#pending) task.abort();
  }
}
