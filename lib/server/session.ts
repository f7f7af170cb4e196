/**
 * A connection of a server and its handler, from the upgrade until both are over.
 *
 * @module
 */

import type { Connection } from "../connection/connection.ts";
import type { CloseInfo, ConnectionObserver } from "../connection/close_state.ts";
import { isErrorOf } from "../connection/error_source.ts";
import type { ServerConnection } from "../connection/web_socket_connection.ts";
import type { IncomingUpgrade } from "../connection/upgrade_request.ts";
import { WebSocketError } from "../errors.ts";
import type { ErrorContext, Handler } from "./serve_options.ts";

/** What a {@linkcode Session} needs of its server. */
export interface SessionHost<C> {
  /** Calls the handler. */
  handle(session: Session<C>, ...given: Parameters<Handler<C>>): unknown;
  /** Tells the user of an error. */
  report(error: unknown, context: ErrorContext): void;
  /** Takes note that the connection is closed. */
  closed(session: Session<C>): void;
  /** Records that the connection's stream has ended. */
  gone(session: Session<C>): void;
  /** Takes note that connection and handler are over. */
  over(session: Session<C>): void;
}

/** Runs the handler for as long as it takes, then closes the connection. */
export class Session<C> implements ConnectionObserver {
  /** The connection. */
  readonly connection: Connection & ServerConnection<C>;
  readonly #request: IncomingUpgrade<C>;
  readonly #host: SessionHost<C>;
  /** What is not over: the connection's stream, the handler. */
  #left = 2;
  /** Whether the connection's stream has ended. */
  ended = false;

  /**
   * Makes a session.
   *
   * @param connection The connection.
   * @param request The request that asked for it.
   * @param host The server.
   */
  constructor(
    connection: Connection & ServerConnection<C>,
    request: IncomingUpgrade<C>,
    host: SessionHost<C>,
  ) {
    this.connection = connection;
    this.#request = request;
    this.#host = host;
  }

  /** Starts the handler. Both may be over by the time this returns. */
  start(): void {
    this.connection.observe(this);
    this.#handle();
  }

  /** Cuts the connection. */
  abort(): void {
    this.connection.cut();
  }

  closed(end: CloseInfo | WebSocketError): void {
    this.#request.leave();
    this.#host.closed(this);
    if (!(end instanceof WebSocketError)) return;
    if (end.code === "keepalive-timeout") this.#report(end, "keepalive");
    if (end.code === "internal") this.#report(end, "connection");
  }

  gone(): void {
    this.ended = true;
    this.#host.gone(this);
    this.#finish();
  }

  /** Runs the handler. No async function: one that waits as long as the connection takes 0.3 KiB more on Node. */
  #handle(): void {
    try {
      const handled = this.#host.handle(this, this.connection, this.#request);
      Promise.resolve(handled).then(() => this.#handled(), (error) => this.#handled({ error }));
    } catch (error) {
      this.#handled({ error });
    }
  }

  #handled(failure?: { readonly error: unknown }): void {
    const { connection } = this;
    // A peer that vanishes fails whatever the handler was doing with the connection: that is no fault of the handler.
    if (failure && !isErrorOf(failure.error, connection)) this.#report(failure.error, "handler");
    connection.close(failure && { closeCode: 1011 });
    this.#finish();
  }

  #finish(): void {
    if (--this.#left === 0) this.#host.over(this);
  }

  #report(error: unknown, stage: "handler" | "keepalive" | "connection"): void {
    this.#host.report(error, { stage, request: this.#request, connection: this.connection });
  }
}
