/**
 * Which of the handlers attached to an `http.Server` an upgrade is for.
 *
 * @module
 */

import { HandshakeError } from "../errors.ts";
import { listHas } from "../handshake/grammar.ts";
import { isPromised } from "../handshake/promised.ts";
import { fieldsOf, guard, type IncomingUpgrade, refuseUpgrade, type UpgradeSocket } from "./node_upgrade.ts";

/** A listener of the `upgrade` event. */
export type UpgradeListener = (request: IncomingUpgrade, socket: UpgradeSocket, head: Uint8Array) => void;

/** An `http.Server` or `https.Server`, by its shape, for programs without Node's types. */
export interface HttpServer {
  /** Adds a listener. */
  on(event: "upgrade", listener: UpgradeListener): unknown;
  /** Removes it. */
  off(event: "upgrade", listener: UpgradeListener): unknown;
  /** Tells how many there are. */
  listenerCount(event: "upgrade"): number;
  /** Tells whether a request becomes an `upgrade` event, from Node 22.21 and 24.9 on. */
  shouldUpgradeCallback?: (request: IncomingUpgrade) => boolean;
  /** Tells where it listens. */
  address?(): { readonly address: string } | string | null;
}

/** Reads the path of a target as `request.url` will have it. */
export function pathnameOf(target: string): string | undefined {
  const url = target.startsWith("/") ? `http://localhost${target}` : target;
  return URL.canParse(url) ? new URL(url).pathname : undefined;
}

/** What one call of {@linkcode attach} wants of its server. */
export interface Route {
  /** The option `path`. */
  readonly path: unknown;
  /** Tells whether a path is meant; only `true` and `false` are answers. */
  matches(pathname: string): unknown;
  /** Tells the user that `matches` failed. */
  fail(error: unknown): void;
  /** Takes a request over. */
  readonly take: UpgradeListener;
  /** Tells the user of a request that is nobody's. */
  tellRefused(request: IncomingUpgrade, socket: UpgradeSocket): void;
}

/** Shares the upgrades of one server out among all that is attached to it: its only listener of ours. */
export class UpgradeRouter {
  static readonly #all = new WeakMap<HttpServer, UpgradeRouter>();
  readonly #server: HttpServer;
  readonly #routes: Set<Route> = new Set();
  /** What told before us whether a request becomes an event, and what does now. */
  #own: HttpServer["shouldUpgradeCallback"];
  #mayUpgrade: HttpServer["shouldUpgradeCallback"];

  private constructor(server: HttpServer) {
    this.#server = server;
  }

  /** Returns the router of a server, which is made for the first that asks. */
  static of(server: HttpServer): UpgradeRouter {
    const router = UpgradeRouter.#all.get(server) ?? new UpgradeRouter(server);
    UpgradeRouter.#all.set(server, router);
    return router;
  }

  /**
   * Adds a route; the first that matches takes a request.
   *
   * @throws {TypeError} If there is one with the same path.
   */
  add(route: Route): void {
    for (const { path } of this.#routes) {
      if (path === route.path) {
        throw new TypeError(`Cannot attach: ${path ?? "every path"} is attached already`);
      }
    }
    if (this.#routes.size === 0) this.#listen();
    this.#routes.add(route);
  }

  /** Where nothing is attached any more, Node takes upgrades for plain requests again. */
  remove(route: Route): void {
    this.#routes.delete(route);
    if (this.#routes.size === 0) this.#stopListening();
  }

  #listen(): void {
    this.#server.on("upgrade", this.#onUpgrade);
    const own = this.#server.shouldUpgradeCallback;
    if (typeof own !== "function") return;
    this.#own = own;
    // What asks for another protocol, such as `curl --http2`, is a plain request unless somebody else listens for it.
    this.#server.shouldUpgradeCallback = this.#mayUpgrade = (request) =>
      own.call(this.#server, request) === true &&
      (this.#server.listenerCount("upgrade") > 1 || listHas(fieldsOf(request).list("upgrade"), "websocket"));
  }

  #stopListening(): void {
    this.#server.off("upgrade", this.#onUpgrade);
    // Somebody else may have set it since.
    if (this.#own === undefined || this.#server.shouldUpgradeCallback !== this.#mayUpgrade) return;
    this.#server.shouldUpgradeCallback = this.#own;
  }

  readonly #onUpgrade: UpgradeListener = (request, socket, head) => {
    // Also for those that other listeners leave alone.
    guard(socket);
    const pathname = pathnameOf(request.url ?? "");
    let failed = false;
    for (const route of this.#routes) {
      const answer = ask(route, pathname);
      if (answer === "yes") return route.take(request, socket, head);
      failed ||= answer === "failed";
    }
    if (this.#server.listenerCount("upgrade") > 1) return;
    if (failed) return refuse(socket, 500, new HandshakeError("internal").message);
    for (const route of this.#routes) route.tellRefused(request, socket);
    refuse(socket, 404, "Not found");
  };
}

function refuse(socket: UpgradeSocket, status: number, text: string): void {
  refuseUpgrade(socket, new Response(`${text}\n`, { status }));
}

/** Asks whether a path is a route's. */
function ask(route: Route, pathname: string | undefined): "yes" | "no" | "failed" {
  // A target that is not a URL is refused by the route that takes all.
  if (pathname === undefined) return route.path === undefined ? "yes" : "no";
  try {
    const answer = route.matches(pathname);
    if (typeof answer === "boolean") return answer ? "yes" : "no";
    // An async function may also reject.
    isPromised(answer);
    throw new TypeError(`Cannot attach: path must return true or false, not ${typeof answer}`);
  } catch (error) {
    route.fail(error);
    return "failed";
  }
}
