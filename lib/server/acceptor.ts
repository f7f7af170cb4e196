/**
 * What `serve` and `attach` share: who gets in, whose handler runs, and how all of it ends.
 *
 * @module
 */

import type { ByteChannel } from "../connection/byte_channel.ts";
import { closeTable } from "../connection/close_code.ts";
import type { Connection } from "../connection/connection.ts";
import { Deadline } from "../connection/deadline.ts";
import { Deferred } from "../connection/deferred.ts";
import { forbidden, Reception, type ReceptionHost, refuse, reject } from "../connection/reception.ts";
import { readResponse } from "../connection/response_shape.ts";
import type { ServerConnection } from "../connection/web_socket_connection.ts";
import type { IncomingUpgrade } from "../connection/upgrade_request.ts";
import { HandshakeError } from "../errors.ts";
import { aTime } from "../options/checks.ts";
import { checkOptions, type OptionTable } from "../options/option_table.ts";
import { after, isPromise } from "../handshake/at_once.ts";
import { faultOf, type ServerOpening } from "../handshake/server_opening.ts";
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

type Awaitable<T> = T | Promise<T>;

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
  readonly #receiving: ReceptionHost<C> = {
    received: (reception) => this.#serve(reception),
    failed: (reception, error) => this.#refuse(reception, error),
  };
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
   * Serves one socket up to its end, or to its upgrade. A request whose head comes in one chunk, and on which the user's
   * functions decide at once, is answered and handed to its handler before the bytes' delivery returns, without a promise.
   *
   * @param channel The socket.
   * @param read Tells the request, where somebody else has read it.
   */
  accept(channel: ByteChannel, read?: (opening: ServerOpening) => void): void {
    const reception = new Reception<C>(channel, this.#settings.limits);
    this.#pending.add(reception);
    if (read === undefined) reception.receive(this.#receiving);
    else this.#serve(reception, read);
  }

  #serve(reception: Reception<C>, read?: (opening: ServerOpening) => void): void {
    try {
      read?.(reception.opening);
      const work = this.#dispatch(reception);
      if (!isPromise(work)) this.#leave(reception);
      else work.then(() => this.#leave(reception), (error) => this.#refuse(reception, error));
    } catch (error) {
      this.#refuse(reception, error);
    }
  }

  /** Does what a request asks for. */
  #dispatch(reception: Reception<C>): Promise<void> | void {
    const { opening, channel } = reception;
    opening.checkHost(this.#settings.hosts());
    if (!opening.isUpgrade) return this.#answer(reception);
    if (!this.#placeComes) return this.#upgrade(reception);
    return channel.whileThere(this.#waitForPlace()).then(() => this.#upgrade(reception));
  }

  /** Refuses a request. What is not the client's fault is the user's, or ours: the user is told of it. */
  #refuse(reception: Reception<C>, error: unknown): void {
    const { channel, opening, request } = reception;
    const fault = faultOf(error);
    if (fault !== error) this.report(error, { stage: "accept", ...request && { request } });
    const fields = opening.complete ? opening.head.headers : undefined;
    this.tellRefused(fault, { fields, remoteAddress: channel.transport.remoteAddress });
    refuse(channel, fault, this.#settings.limits).then(() => this.#leave(reception));
  }

  #leave(reception: Reception<C>): void {
    this.#pending.delete(reception);
    this.#leavePlace(reception);
    this.#finish(reception);
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

  /** Answers plain HTTP. What has been asked for is answered, also while the server closes. */
  async #answer(reception: Reception<C>): Promise<void> {
    const { channel } = reception;
    const { fetch } = this.#settings;
    this.#pending.delete(reception);
    this.#tasks.add(reception);
    this.#places.add(reception);
    await answerRequest(reception, {
      ...this.#settings,
      fetch: fetch && ((request) => this.#run(reception, () => fetch(request))),
      onError: this.#host.report,
    });
    // A client that stays is waited for, but not by whoever closes the server.
    const lingering: Task = { ended: true, abort: () => reception.abort() };
    this.#pending.add(lingering);
    this.#finish(reception);
    await channel.linger(this.#settings.limits.closeTimeout);
    this.#pending.delete(lingering);
  }

  #upgrade(reception: Reception<C>): Promise<void> | void {
    if (this.#closed !== undefined || this.#isFull) throw new HandshakeError("overloaded");
    this.#places.add(reception);
    const request = reception.check();
    const refusal = this.#run(reception, () => this.#judge(reception, request));
    if (!isPromise(refusal)) return this.#decide(reception, refusal);
    return reception.channel.whileThere(refusal).then((refusal) => this.#decide(reception, refusal));
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

  /** Returns the response that refuses an upgrade, if it is to be refused. */
  #judge(reception: Reception<C>, request: IncomingUpgrade<C>): Awaitable<Response | undefined> {
    const { origins } = this.#settings.accept;
    return after(reception.opening.isAllowedOrigin(origins), (allowed) => {
      // Before the user's own code: it should not have to think of origins.
      if (!allowed) throw new HandshakeError("origin");
      return this.#authorize(reception, request);
    });
  }

  /** Asks `authorize`, and keeps what it returns as the context, unless that is a refusal: a response, or `false`. */
  #authorize({ channel }: Reception<C>, request: IncomingUpgrade<C>): Awaitable<Response | undefined> {
    const { authorize } = this.#settings;
    if (authorize === undefined) return undefined;
    const fail = (error: unknown): never => {
      // That the client left is not the user's fault.
      if (error !== channel.left) this.report(error, { stage: "authorize", request });
      throw new HandshakeError("internal", { cause: error });
    };
    const read = (answer: unknown): Response | undefined => {
      const refusal = answer === false ? forbidden() : readResponse("authorize", answer);
      if (refusal === undefined) request.context = answer as C;
      return refusal;
    };
    try {
      const refusal = after<unknown, Response | undefined>(
        authorize(request as IncomingUpgrade<undefined>),
        read,
      );
      return isPromise(refusal) ? refusal.catch(fail) : refusal;
    } catch (error) {
      return fail(error);
    }
  }

  /** Does as the user has told. */
  #decide(reception: Reception<C>, refusal: Response | undefined): Promise<void> | void {
    if (refusal !== undefined) return this.#reject(reception, refusal);
    // Whoever decided may have closed the server.
    if (this.#closed !== undefined) throw new HandshakeError("overloaded");
    return after(reception.accept(this.#settings.accept), (connection) => this.#start(reception, connection));
  }

  #start(reception: Reception<C>, connection: Connection & ServerConnection<C>): void {
    // The socket is the connection's: to close the server, also first thing in the handler, ends it by a Close.
    this.#pending.delete(reception);
    // Nobody waits for a handler that starts after the server was closed.
    if (this.#closed !== undefined) return connection.abort();
    this.connections.add(connection);
    const session = new Session(connection, reception.request!, this.#host);
    this.#tasks.add(session);
    this.#places.add(session);
    session.start();
  }

  async #reject({ channel, request }: Reception<C>, refusal: Response): Promise<void> {
    try {
      await reject(channel, refusal, this.#settings.limits);
    } catch (error) {
      this.report(error, { stage: "authorize", request: request! });
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
