/**
 * What groups ask of a connection.
 *
 * @module
 */

import type { WebSocketConnection } from "../connection/web_socket_connection.ts";

/** The part of a connection that groups use: every `WebSocketConnection` has it. */
export type GroupConnection = Pick<WebSocketConnection, "send" | "bufferedAmount" | "close" | "closed">;
