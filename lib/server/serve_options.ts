/**
 * The options of a server, the same on every runtime.
 *
 * @module
 */

import {
  type AcceptOptions,
  type AcceptSettings,
  acceptTable,
  type HandshakePlatform,
  resolveAcceptOptions,
} from "../connection/accept_options.ts";
import type { CheckedLimits } from "../connection/limits.ts";
import type { UpgradeRequest } from "../connection/upgrade_request.ts";
import { defaultHosts, type HostPolicy, readHosts } from "../handshake/host.ts";
import type { Bytes, ServerConnection, WebSocketConnection } from "../connection/web_socket_connection.ts";
import { aFunction, anAbortSignal, aNumber, aSocketPath, checkNumber } from "../options/checks.ts";
import { checkOptions, type OptionTable } from "../options/option_table.ts";
import { aPem, pemText } from "../options/pem.ts";
import { wrongType } from "../options/wrong_type.ts";
import { defaultOnError } from "./default_on_error.ts";
import type { RefusedHandshake } from "./refused_handshake.ts";

const DEFAULT_HOSTNAME = "0.0.0.0";

/** Where an error came from. */
export interface ErrorContext {
  /**
   * What failed: the user's handler, `authorize` or `fetch`; the acceptance of a connection; the peer, which gave no sign of
   * life; the connection itself, because memory ran out or Sluice is at fault; the `onRefused` of a handshake.
   */
  readonly stage: "handler" | "authorize" | "fetch" | "accept" | "keepalive" | "connection" | "handshake";
  /** The upgrade it was about. */
  readonly request?: UpgradeRequest<unknown>;
  /** The connection it was about; it is closed with 1011. */
  readonly connection?: WebSocketConnection;
}

/** Who we are, for TLS. */
export interface TlsServeOptions {
  /** The certificate chain, as PEM: text, or the bytes of a file. */
  cert: string | Bytes;
  /** Its private key, likewise. */
  key: string | Bytes;
}

/** Where a server is to listen. */
export interface ListenTarget {
  /** The address. */
  readonly hostname: string;
  /** The port; 0 for any that is free. */
  readonly port: number;
  /** The unix socket, in place of both. */
  readonly path: string | undefined;
  /** Who we are, for TLS: PEM as text. */
  readonly tls: { readonly cert: string; readonly key: string } | undefined;
}

/** The options that `serve` and `attach` share: all but the address. */
export interface ServerOptions<C = undefined> extends AcceptOptions {
  /**
   * Which hosts the server answers for, upgrades and plain requests: a list of names without a port, a function that
   * accepts a name by returning `true`, or `"any"`; to others the answer is 421. A page whose name was made to resolve
   * to this machine (DNS rebinding) is refused by that.
   *
   * @default the names of the machine itself, such as `localhost`, if the server listens on those only; else any
   */
  hosts?: HostPolicy;
  /** Closes the server when aborted. */
  signal?: AbortSignal;
  /**
   * Decides on each upgrade: a `Response` refuses it, and so does `false`, with status 403. Anything else accepts it and
   * becomes `request.context`. If it throws, or returns an object that has a numeric `status` but is not a `Response`,
   * the client gets status 500 and `onError` is called.
   */
  authorize?: (request: UpgradeRequest) => C | Response | false | Promise<C | Response | false>;
  /** Answers requests that are no upgrade. @default status 426 */
  fetch?: (request: Request) => Response | Promise<Response>;
  /** The largest body that `fetch` gets, in bytes; the answer to a larger one is 413. @default {65536} */
  maxBodySize?: number;
  /**
   * How many connections there may be; an upgrade beyond that is answered with 503. The socket of a connection that was
   * closed counts until its client has left, and so does that of a plain request or a refusal: no longer than `closeTimeout`.
   *
   * @default {Infinity}
   */
  maxConnections?: number;
  /**
   * Called with errors that have no other place to go. If it throws, or its promise rejects, both errors are printed.
   *
   * @default prints them with `console.error`
   */
  onError?: (error: unknown, context: ErrorContext) => unknown;
  /**
   * Called with each request that Sluice itself refuses, such as one of a foreign origin; not with what `authorize` refuses.
   * Where there is no server, `upgrade`, `receiveUpgrade` and `acceptStream` reject with the same error instead.
   */
  onRefused?: (refused: RefusedHandshake) => unknown;
}

/** How to serve. */
export interface ServeOptions<C = undefined> extends ServerOptions<C> {
  /** The address to listen on. @default {"0.0.0.0"} */
  hostname?: string;
  /** The port to listen on; 0 for any that is free. @default {0} */
  port?: number;
  /** The unix socket to listen on, in place of `hostname` and `port`. */
  path?: string;
  /** Serves `wss:` and `https:`; not on a unix socket. */
  tls?: TlsServeOptions;
}

/** Does what a server is for: talks to one client until the promise settles, then the connection is closed. */
export type Handler<C> = (socket: ServerConnection<C>, request: UpgradeRequest<C>) => Promise<unknown>;

/** The options that `serve` and `attach` share, checked, with their defaults. */
export interface ServerSettings<C> {
  readonly accept: AcceptSettings;
  /** The hosts that are answered for; asked again for each request. */
  readonly hosts: () => HostPolicy;
  readonly limits: CheckedLimits;
  readonly authorize: ServerOptions<C>["authorize"];
  readonly fetch: ServerOptions<C>["fetch"];
  readonly maxBodySize: number;
  readonly maxConnections: number;
  readonly onError: (error: unknown, context: ErrorContext) => unknown;
  readonly onRefused: ServerOptions<C>["onRefused"];
}

/** The options of `serve`, checked, with their defaults. */
export interface ServeSettings<C> extends ServerSettings<C> {
  readonly target: ListenTarget;
}

/** What the options that `serve` and `attach` share may be. */
export const serverTable = (): OptionTable<ServerOptions<unknown>> => ({
  ...acceptTable(),
  hosts: (value) => void readHosts(value as HostPolicy),
  signal: anAbortSignal,
  authorize: aFunction,
  fetch: aFunction,
  maxBodySize: aNumber,
  maxConnections: aNumber,
  onError: aFunction,
  onRefused: aFunction,
});

/** What the options of `serve` may be. */
export const serveTable = (): OptionTable<ServeOptions<unknown>> => ({
  ...serverTable(),
  hostname: aHostname,
  port: (value, name) => checkNumber(value, name, { from: 0, to: 65_535 }),
  path: aSocketPath,
  tls: (value, name) => checkOptions(name, value, tlsTable),
});

const tlsTable: OptionTable<TlsServeOptions> = { cert: aPem, key: aPem };

/**
 * Checks the options of `serve`.
 *
 * @throws {TypeError | RangeError} If one is wrong; the message has its name.
 */
export function readServeOptions<C>(options: ServeOptions<C>, platform: HandshakePlatform): ServeSettings<C> {
  checkOptions("options", options, serveTable(), "{ port: 8080 }");
  const { hostname = DEFAULT_HOSTNAME, path } = options;
  const settings = resolveServerOptions(options, platform, () => path === undefined ? hostname : undefined);
  const hosts = settings.hosts();
  return { ...settings, hosts: () => hosts, target: listenTarget(options) };
}

/**
 * Fills in the defaults of the options that `serve` and `attach` share.
 *
 * @param options What the user set, checked against {@linkcode serverTable}.
 * @param platform What the runtime has.
 * @param listening Tells the host name or address that the server listens on.
 * @throws {TypeError} If a header cannot be sent, or there is nothing to compress with.
 */
export function resolveServerOptions<C>(
  options: ServerOptions<C>,
  platform: HandshakePlatform,
  listening: () => string | undefined,
): ServerSettings<C> {
  const {
    authorize,
    fetch,
    maxBodySize = 65_536,
    maxConnections = Infinity,
    onError = defaultOnError,
    onRefused,
  } = options;
  const accept = resolveAcceptOptions(options, platform);
  const given = readHosts(options.hosts);
  const hosts = () => given ?? defaultHosts(listening());
  return {
    accept,
    hosts,
    limits: accept.limits,
    authorize,
    fetch,
    maxBodySize,
    maxConnections,
    onError,
    onRefused,
  };
}

function aHostname(value: unknown, name: string): void {
  const expected = "the name or the address of an interface";
  if (typeof value !== "string" || value === "") throw wrongType(name, expected, value);
  if (value.startsWith("[")) {
    const address = value.replaceAll(/[[\]]/g, "");
    throw new TypeError(
      `Cannot set ${name}: ${value} is how an address stands in a URL, it must be ${address}`,
    );
  }
}

function listenTarget<C>(options: ServeOptions<C>): ListenTarget {
  const { hostname = DEFAULT_HOSTNAME, port = 0, path, tls } = options;
  if (tls === undefined) return { hostname, port, path, tls: undefined };
  if (path !== undefined) throw new TypeError("Cannot serve: there is no TLS on a unix socket");
  if (tls.cert === undefined || tls.key === undefined) {
    throw new TypeError("Cannot set tls: it needs both cert and key");
  }
  return { hostname, port, path, tls: { cert: pemText(tls.cert), key: pemText(tls.key) } };
}
