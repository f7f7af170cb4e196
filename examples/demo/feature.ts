/**
 * What a page of the demo brings to the server: its WebSockets, and the plain requests that it makes.
 *
 * @module
 */

import type { UpgradeRequest, WebSocketConnection } from "../../lib/adapters/node.ts";

/** What is done with a connection; it is closed when the promise settles. */
export type Talk = (socket: WebSocketConnection) => Promise<unknown>;

/** Looks at a request for a WebSocket: tells what to do with the connection, or refuses it with a response. */
export type Door = (request: UpgradeRequest) => Talk | Response | Promise<Talk | Response>;

/** Answers a plain HTTP request. */
export type Route = (request: Request) => Response | Promise<Response>;

/** One page's share of the server. */
export interface Feature {
  /** Doors by their paths: `/chat`. */
  readonly doors?: Readonly<Record<string, Door>>;
  /** Routes by method and path: `POST /vote/login`. */
  readonly routes?: Readonly<Record<string, Route>>;
  /** Ends what the server does not know of, before it closes. */
  close?(): void | Promise<void>;
}
