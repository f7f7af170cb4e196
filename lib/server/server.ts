/**
 * A server that listens on an address of its own: what `serve` of all runtimes starts.
 *
 * @module
 */

import type { HandshakePlatform } from "../connection/accept_options.ts";
import { ByteChannel } from "../connection/byte_channel.ts";
import type { Transport } from "../connection/transport.ts";
import type { ServerConnection } from "../connection/web_socket_connection.ts";
import type { Callers } from "./callers.ts";
import { Acceptor, type ServerCloseOptions } from "./acceptor.ts";
import {
  type Handler,
  type ListenTarget,
  readServeOptions,
  type ServeOptions,
  type ServeSettings,
} from "./serve_options.ts";

/** Where a server listens. */
export type ServerAddress = { readonly hostname: string; readonly port: number } | { readonly path: string };

/** A running server. */
export interface Server<C = unknown> extends AsyncDisposable {
  /** Where it listens. */
  readonly address: ServerAddress;
  /** The connections that are open. */
  readonly connections: ReadonlySet<ServerConnection<C>>;
  /**
   * Stops: answers new upgrades with 503, closes open connections, waits for their handlers up to the timeout, then
   * cuts what is left. Calling it again waits for the same end.
   *
   * Handlers, `fetch` and `authorize` may await it: they wait for all but those that await it, and what they answer still
   * goes out.
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
  /** Tells whose call one is. */
  readonly callers?: Callers | undefined;
}

/**
 * Starts a server.
 *
 * @param platform The adapter.
 * @param options How to serve.
 * @param handler What each connection is for.
 * @throws {TypeError | RangeError} If the options are wrong. What the platform throws, if it cannot listen. The reason of
 *   the signal, if that is aborted before the server listens.
 */
export async function startServer<C>(
  platform: ServerPlatform,
  options: ServeOptions<C>,
  handler: Handler<C>,
): Promise<Server<C>> {
  const settings = readServeOptions(options, platform);
  options.signal?.throwIfAborted();
  const server = new ListeningServer(settings, handler, platform);
  await server.listen();
  if (options.signal?.aborted) {
    await server.close();
    throw options.signal.reason;
  }
  options.signal?.addEventListener("abort", () => server.close(), { once: true, signal: server.closing });
  return server;
}

class ListeningServer<C> implements Server<C> {
  readonly #settings: ServeSettings<C>;
  readonly #acceptor: Acceptor<C>;
  readonly #platform: ServerPlatform;
  #listener!: Listener;

  constructor(settings: ServeSettings<C>, handler: Handler<C>, platform: ServerPlatform) {
    this.#settings = settings;
    this.#platform = platform;
    const { callers } = platform;
    this.#acceptor = new Acceptor(settings, handler, { callers, release: () => this.#listener.close() });
  }

  get address(): ServerAddress {
    return this.#listener.address;
  }

  get connections(): ReadonlySet<ServerConnection<C>> {
    return this.#acceptor.connections;
  }

  /** Aborted when the server begins to close: what waits for that moment is over then. */
  get closing(): AbortSignal {
    return this.#acceptor.closing;
  }

  async listen(): Promise<void> {
    const { target } = this.#settings;
    this.#listener = await this.#platform.listen(
      target,
      (transport) => this.#acceptor.accept(new ByteChannel(transport)),
      (error) => this.#acceptor.report(error, { stage: "accept" }),
    );
  }

  close(options?: ServerCloseOptions): Promise<void> {
    return this.#acceptor.close(options);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}
