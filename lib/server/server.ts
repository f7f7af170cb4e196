/**
 * What the servers of all runtimes share: who gets in, who runs, and how it ends.
 *
 * @module
 */

import {
  acceptUpgrade,
  checkOrigin,
  type HandshakePlatform,
  readUpgrade,
  type ReceivedRequest,
  type ReceivedUpgrade,
  receiveRequest,
  refuse,
  reject,
} from "../connection/accept.ts";
import { ByteChannel } from "../connection/byte_channel.ts";
import { checkCloseCode } from "../connection/close_code.ts";
import type { Connection } from "../connection/connection.ts";
import { Deadline } from "../connection/deadline.ts";
import { Deferred } from "../connection/deferred.ts";
import { checkLimit } from "../connection/limits.ts";
import type { Transport } from "../connection/transport.ts";
import type { IncomingUpgrade } from "../connection/upgrade_request.ts";
import type { WebSocketConnection } from "../connection/web_socket_connection.ts";
import { HandshakeError } from "../errors.ts";
import { isUpgrade } from "../handshake/server_handshake.ts";
import { defaultOnError } from "./default_on_error.ts";
import { answerRequest } from "./fetch_answer.ts";
import { Session, type SessionHost } from "./session.ts";
import {
  type ErrorContext,
  type Handler,
  type ListenTarget,
  readServeOptions,
  type ServeOptions,
  type ServeSettings,
} from "./serve_options.ts";

/** How long a server waits for its handlers when it is closed, in milliseconds. */
const DEFAULT_DRAIN_TIMEOUT = 10_000;

/** Where a server listens. */
export type ServerAddress = { readonly hostname: string; readonly port: number } | { readonly path: string };

/** How to close a server. */
export interface ServerCloseOptions {
  /** What to close the connections with. @default {1001} */
  closeCode?: number;
  /** Why. @default {""} */
  reason?: string;
  /** How long to wait for handlers, in milliseconds, before connections are cut. @default {10000} */
  timeout?: number;
}

/** A running server. */
export interface Server extends AsyncDisposable {
  /** Where it listens. */
  readonly address: ServerAddress;
  /** The connections that are open. */
  readonly connections: ReadonlySet<WebSocketConnection>;
  /**
   * Stops: answers new upgrades with 503, closes open connections, waits for their handlers up to the timeout, then
   * cuts what is left. Calling it again waits for the same end.
   */
  close(options?: ServerCloseOptions): Promise<void>;
}

/** A socket that listens. */
export interface Listener {
  /** Where it listens. */
  readonly address: ServerAddress;
  /** Stops listening; settles when the address is free. */
  close(): void | Promise<void>;
}

/** What an adapter has to provide: it listens, and hands over a {@linkcode Transport} for each socket. */
export type Listen = (
  target: ListenTarget,
  accept: (transport: Transport) => void,
  onError: (error: unknown) => void,
) => Promise<Listener>;

/** What a runtime has for a server. */
export interface ServerPlatform extends HandshakePlatform {
  /** Makes the socket that listens. */
  readonly listen: Listen;
}

/**
 * Starts a server.
 *
 * @param platform The adapter.
 * @param options How to serve.
 * @param handler What each connection is for.
 * @throws {TypeError | RangeError} If the options are wrong. What the platform throws, if it cannot listen.
 */
export async function startServer<C>(
  platform: ServerPlatform,
  options: ServeOptions<C>,
  handler: Handler<C>,
): Promise<Server> {
  if (typeof handler !== "function") throw new TypeError(`Cannot serve: the handler is ${typeof handler}`);
  const settings = readServeOptions(options, platform);
  options.signal?.throwIfAborted();
  const server = new SluiceServer(settings, handler);
  await server.listen(platform.listen);
  options.signal?.addEventListener("abort", () => server.close(), { once: true, signal: server.closing });
  return server;
}

/** Something under way that can be cut short. */
interface Task {
  abort(): void;
}

class SluiceServer<C> implements Server {
  readonly connections: Set<Connection> = new Set();
  readonly #settings: ServeSettings<C>;
  readonly #host: SessionHost<C>;
  #listener!: Listener;
  /** Sockets that are not upgraded, or not yet. */
  readonly #pending: Set<ByteChannel> = new Set();
  /** What has to end before the server is closed: each connection with its handler, each answer to plain HTTP. */
  readonly #tasks: Set<Task> = new Set();
  /** Settled when there is none of them left. */
  #idle: Deferred<void> | undefined;
  /** How many upgrades are being decided on: they count as connections. */
  #upgrading = 0;
  #closed: Promise<void> | undefined;
  readonly #closing = new AbortController();

  constructor(settings: ServeSettings<C>, handler: Handler<C>) {
    this.#settings = settings;
    this.#host = {
      handler,
      report: (error, context) => this.#report(error, context),
      closed: ({ connection }) => this.connections.delete(connection),
      over: (session) => this.#finish(session),
    };
  }

  /** Aborted when the server begins to close: what waits for that moment is over then. */
  get closing(): AbortSignal {
    return this.#closing.signal;
  }

  get address(): ServerAddress {
    return this.#listener.address;
  }

  async listen(listen: Listen): Promise<void> {
    this.#listener = await listen(
      this.#settings.target,
      (transport) => this.#accept(transport),
      (error) => this.#report(error, { stage: "accept" }),
    );
  }

  close(
    { closeCode = 1001, reason = "", timeout = DEFAULT_DRAIN_TIMEOUT }: ServerCloseOptions = {},
  ): Promise<void> {
    checkCloseCode(closeCode);
    checkLimit("timeout", timeout);
    return this.#closed ??= this.#drain({ closeCode, reason, timeout });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** Serves one socket up to its end, or to its upgrade. Never rejects. */
  async #accept(transport: Transport): Promise<void> {
    const channel = new ByteChannel(transport);
    const { limits } = this.#settings;
    this.#pending.add(channel);
    try {
      const received = await receiveRequest(channel, limits);
      await (isUpgrade(received.head) ? this.#upgrade(received) : this.#answer(received));
    } catch (error) {
      await refuse(channel, error instanceof HandshakeError ? error : new HandshakeError("internal"), limits);
    } finally {
      this.#pending.delete(channel);
    }
  }

  /** Answers plain HTTP. What has been asked for is answered, also while the server closes. */
  async #answer(received: ReceivedRequest): Promise<void> {
    const { channel } = received;
    this.#pending.delete(channel);
    const task = { abort: () => channel.transport.destroy() };
    this.#tasks.add(task);
    try {
      await answerRequest(received, { ...this.#settings, onError: this.#host.report });
    } finally {
      this.#finish(task);
    }
    await channel.linger(this.#settings.limits.closeTimeout);
  }

  async #upgrade(received: ReceivedRequest): Promise<void> {
    const { maxConnections } = this.#settings;
    if (this.#closed !== undefined || this.connections.size + this.#upgrading >= maxConnections) {
      throw new HandshakeError("overloaded");
    }
    this.#upgrading++;
    try {
      await this.#decide(readUpgrade<C>(received));
    } finally {
      this.#upgrading--;
    }
  }

  /** Asks the user whether an upgrade is wanted, and does as told. */
  async #decide(upgrade: ReceivedUpgrade<C>): Promise<void> {
    const { accept, limits } = this.#settings;
    const { request } = upgrade;
    try {
      // Before the user's own code: it shall not have to think of origins.
      checkOrigin(upgrade, accept);
      const refusal = await this.#authorize(request);
      if (refusal !== undefined) return await reject(upgrade.channel, refusal, limits);
      const connection = await acceptUpgrade(upgrade, accept);
      this.connections.add(connection);
      const session = new Session(connection, request, this.#host);
      this.#tasks.add(session);
      session.start();
    } catch (error) {
      if (!(error instanceof HandshakeError)) this.#report(error, { stage: "accept", request });
      throw error;
    }
  }

  /** Asks `authorize`, and keeps what it returns as the context, unless that is a refusal. */
  async #authorize(request: IncomingUpgrade<C>): Promise<Response | undefined> {
    try {
      const answer = await this.#settings.authorize?.(request as IncomingUpgrade<undefined>);
      if (answer instanceof Response) return answer;
      request.context = answer as C;
      return undefined;
    } catch (error) {
      this.#report(error, { stage: "authorize", request });
      throw new HandshakeError("internal", { cause: error });
    }
  }

  #finish(task: Task): void {
    this.#tasks.delete(task);
    if (this.#tasks.size === 0) this.#idle?.resolve();
  }

  /** Tells the user of an error. One that fails at that costs nobody a connection. */
  #report(error: unknown, context: ErrorContext): void {
    try {
      this.#settings.onError(error, context);
    } catch (failure) {
      defaultOnError(error, context);
      defaultOnError(failure, context);
    }
  }

  async #drain({ timeout, ...info }: Required<ServerCloseOptions>): Promise<void> {
    this.#closing.abort();
    for (const channel of this.#pending) channel.transport.destroy();
    for (const connection of this.connections) connection.close(info);
    await this.#untilIdle(timeout);
    await this.#cut();
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
  async #cut(): Promise<void> {
    for (const task of this.#tasks) task.abort();
    for (const channel of this.#pending) channel.transport.destroy();
    await this.#listener.close();
  }
}
