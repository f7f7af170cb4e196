/**
 * Which connection an error came from: a handler that fails with its own connection's error is not at fault itself.
 *
 * @module
 */

import { WebSocketError } from "../errors.ts";
import type { WebSocketConnection } from "./web_socket_connection.ts";

const sources = new WeakMap<WebSocketError, WebSocketConnection>();

/** Notes that an error is a connection's own; returns it. */
export function setSource(error: WebSocketError, connection: WebSocketConnection): WebSocketError {
  sources.set(error, connection);
  return error;
}

/** Tells whether an error is what a connection ended with, or what its methods rejected with. */
export function isErrorOf(error: unknown, connection: WebSocketConnection): boolean {
  return error instanceof WebSocketError && sources.get(error) === connection;
}
