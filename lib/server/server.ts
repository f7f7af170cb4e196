/**
 * What the servers of all runtimes share: who gets in, who runs, and how it ends.
 *
 * @module
 */

import {
  acceptUpgrade,
  checkOrigin,
  readUpgrade,
  type ReceivedRequest,
  type ReceivedUpgrade,
  receiveRequest,
  refuse,
  reject,
} from "../connection/accept.ts";
import { ByteChannel } from "../connection/byte_channel.ts";
import { checkCloseCode } from "../connection/close_code.ts";
import type { DeflateCodec } from "../connection/compression.ts";
import type { Connection } from "../connection/connection.ts";
import { isErrorOf } from "../connection/error_source.ts";
import { after, checkLimit, type Timer } from "../connection/limits.ts";
import type { Transport } from "../connection/transport.ts";
import type { IncomingUpgrade } from "../connection/upgrade_request.ts";
import type { WebSocketConnection } from "../connection/web_socket_connection.ts";
import { HandshakeError, type WebSocketError } from "../errors.ts";
import { isUpgrade } from "../handshake/server_handshake.ts";
import { defaultOnError } from "./default_on_error.ts";
import { answerRequest } from "./fetch_answer.ts";
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
export interface ServerPlatform {
  /** Makes the socket that listens. */
  readonly listen: Listen;
  /** What compresses, unless the options have their own. */
  readonly codec: DeflateCodec;
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
  { listen, codec }: ServerPlatform,
  options: ServeOptions<C>,
  handler: Handler<C>,
): Promise<Server> {
  if (typeof handler !== "function") throw new TypeError(`Cannot serve: the handler is ${typeof handler}`);
  const settings = readServeOptions(options, codec);
  options.signal?.throwIfAborted();
  const server = new SluiceServer(settings, handler);
  await server.listen(listen);
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
  readonly #handler: Handler<C>;
  #listener!: Listener;
  /** Sockets that are not upgraded, or not yet. */
  readonly #pending: Set<ByteChannel> = new Set();
  /** What has to end before the server is closed: each connection with its handler, each answer to plain HTTP. */
  readonly #tasks: Map<Task, Promise<unknown>> = new Map();
  /** How many upgrades are being decided on: they count as connections. */
  #upgrading = 0;
  #closed: Promise<void> | undefined;
  readonly #closing = new AbortController();

  constructor(settings: ServeSettings<C>, handler: Handler<C>) {
    this.#settings = settings;
    this.#handler = handler;
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
    const answered = answerRequest(received, { ...this.#settings, onError: this.#report });
    await this.#track({ abort: () => channel.transport.destroy() }, answered);
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
      this.#run(await acceptUpgrade(upgrade, accept), request);
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

  /** Runs the handler for as long as it takes, then closes the connection. */
  #run(connection: Connection, request: IncomingUpgrade<C>): void {
    const gone = new Promise<void>((resolve) => connection.onGone = resolve);
    const forget = () => void this.connections.delete(connection);
    this.connections.add(connection);
    connection.closed.then(forget, (error: WebSocketError) => {
      forget();
      if (error.code === "keepalive-timeout") {
        this.#report(error, { stage: "keepalive", request, connection });
      }
    });
    this.#track(connection, Promise.all([gone, this.#handle(connection, request)]));
  }

  async #handle(connection: Connection, request: IncomingUpgrade<C>): Promise<void> {
    try {
      await this.#handler(connection, request);
      connection.close();
    } catch (error) {
      // A peer that vanishes fails whatever the handler was doing with the connection: that is no fault of the handler.
      if (!isErrorOf(error, connection)) this.#report(error, { stage: "handler", request, connection });
      connection.close({ closeCode: 1011 });
    }
  }

  /** Remembers that something is under way, until it has settled. */
  async #track<T>(task: Task, done: Promise<T>): Promise<T> {
    this.#tasks.set(task, done);
    try {
      return await done;
    } finally {
      this.#tasks.delete(task);
    }
  }

  /** Tells the user of an error. One that fails at that costs nobody a connection. */
  readonly #report = (error: unknown, context: ErrorContext): void => {
    try {
      this.#settings.onError(error, context);
    } catch (failure) {
      defaultOnError(error, context);
      defaultOnError(failure, context);
    }
  };

  async #drain({ timeout, ...info }: Required<ServerCloseOptions>): Promise<void> {
    this.#closing.abort();
    for (const channel of this.#pending) channel.transport.destroy();
    for (const connection of this.connections) connection.close(info);
    let timer: Timer | undefined;
    const late = new Promise<void>((resolve) => timer = after(timeout, resolve));
    await Promise.race([Promise.allSettled(this.#tasks.values()), late]);
    clearTimeout(timer);
    await this.#cut();
  }

  /** Ends what did not end by itself. */
  async #cut(): Promise<void> {
    for (const task of this.#tasks.keys()) task.abort();
    for (const channel of this.#pending) channel.transport.destroy();
    await this.#listener.close();
  }
}
