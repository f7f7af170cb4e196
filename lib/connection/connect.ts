/**
 * The client's side of the opening handshake over a byte stream (RFC 6455 §4.1).
 *
 * @module
 */

import { HandshakeError } from "../errors.ts";
import { acceptKeyBy, type Sha1 } from "../handshake/accept_key.ts";
import { ClientOpening } from "../handshake/client_opening.ts";
import { aHeadersInput, type HeadersInput } from "../handshake/field_lines.ts";
import { anAbortSignal, aSocketPath, aString } from "../options/checks.ts";
import { checkOptions, type OptionTable } from "../options/option_table.ts";
import { wrongType } from "../options/wrong_type.ts";
import { aPem, pemText } from "../options/pem.ts";
import type { Bytes } from "../protocol/bytes.ts";
import { type CompressionOptions, readCompression } from "../handshake/deflate_negotiation.ts";
import type { HandshakePlatform } from "./accept_options.ts";
import { ByteChannel } from "./byte_channel.ts";
import { Compression } from "../handshake/compression.ts";
import { connectError } from "./connect_error.ts";
import { Connection } from "./connection.ts";
import { Deadline } from "./deadline.ts";
import { type CheckedLimits, type Limits, limitTable, readLimits } from "./limits.ts";
import { type ByteStream, StreamTransport } from "./stream_transport.ts";
import type { Transport } from "./transport.ts";
import { refusalOf } from "./upgrade_response.ts";
import type { WebSocketConnection } from "./web_socket_connection.ts";

/** How to connect. */
export interface ConnectOptions extends Limits {
  /** The subprotocols to offer, the most wanted first. @default none */
  protocols?: string | readonly string[];
  /** More headers, such as `Authorization` or `Cookie`. @default none */
  headers?: HeadersInput;
  /** The `Origin` to send; servers take it for a browser's. @default none */
  origin?: string;
  /** Whether and how to compress messages (permessage-deflate, RFC 7692). @default {false} */
  compression?: boolean | CompressionOptions;
  /**
   * Gives up the opening handshake; without effect on an open connection. `connect` rejects with the signal's reason: a
   * `DOMException` called `TimeoutError` for `AbortSignal.timeout()`, one called `AbortError` for `abort()`.
   */
  signal?: AbortSignal;
  /** The unix socket to dial; the URL only gives Host and target. */
  path?: string;
  /** Whom to trust, for `wss:`. A certificate that does not fit is always refused. */
  tls?: TlsConnectOptions;
}

/** Whom to trust. */
export interface TlsConnectOptions {
  /** The certificate authorities to trust, as PEM (text, or the bytes of a file), in place of the platform's own. */
  ca?: string | Bytes;
  /** The name that the certificate must be for. @default the host of the URL */
  serverName?: string;
}

/** What the options may be. */
const connectTable = (): OptionTable<ConnectOptions> => ({
  ...limitTable,
  protocols: (value, name) => {
    const list = typeof value === "string" ? [value] : value;
    if (Array.isArray(list) && list.every((entry: unknown) => typeof entry === "string")) return;
    throw wrongType(name, "a string or a list of strings", value);
  },
  headers: aHeadersInput,
  origin: aString,
  compression: (value) => void readCompression(value as boolean | CompressionOptions),
  signal: anAbortSignal,
  path: aSocketPath,
  tls: (value, name) => checkOptions(name, value, tlsTable),
});

const tlsTable: OptionTable<TlsConnectOptions> = { ca: aPem, serverName: aString };

/** Where to dial. */
export interface DialTarget {
  /** The host name or IP address, the latter without brackets. */
  readonly hostname: string;
  /** The TCP port. */
  readonly port: number;
  /** The unix socket, in place of host and port. */
  readonly path: string | undefined;
  /** How to do TLS, for `wss:`. */
  readonly tls: { readonly ca: string | undefined; readonly serverName: string } | undefined;
  /** Gives up; its reason is to be thrown. */
  readonly signal: AbortSignal;
}

/** Makes the byte stream to a server; throws `unreachable`, a {@linkcode HandshakeError}, if that fails. */
export type Dial = (target: DialTarget) => Promise<Transport>;

/** What a runtime has for a client. */
export interface ClientPlatform extends HandshakePlatform {
  /** Makes the byte stream. */
  readonly dial: Dial;
}

function dialTarget(url: URL, { path, tls }: ConnectOptions, signal: AbortSignal): DialTarget {
  const hostname = url.hostname.startsWith("[") ? url.hostname.slice(1, -1) : url.hostname;
  const secure = url.protocol === "wss:";
  if (secure && path !== undefined) throw new TypeError("Cannot connect: there is no TLS on a unix socket");
  const port = Number(url.port) || (secure ? 443 : 80);
  return {
    hostname,
    port,
    path,
    tls: secure ? { ca: tls?.ca && pemText(tls.ca), serverName: tls?.serverName ?? hostname } : undefined,
    signal,
  };
}

/**
 * Connects: dials, then shakes hands, both within `handshakeTimeout`.
 *
 * @throws {HandshakeError} If the server cannot be reached, takes too long, refuses or answers wrongly.
 * @throws {TypeError | RangeError | SyntaxError} If the URL or the options are wrong: before anything is sent.
 */
export async function openConnection(
  { dial, codec, sha1 }: ClientPlatform,
  url: string | URL,
  options: ConnectOptions = {},
): Promise<WebSocketConnection> {
  checkOptions("options", options, connectTable(), '{ protocols: ["chat"] }');
  const limits = readLimits(options);
  const compression = Compression.read(options.compression, codec);
  // By name: a spread would leave out what the object has from its class.
  const { protocols, headers, origin } = options;
  const { maxHeadSize, maxHeaders } = limits;
  const opening = new ClientOpening(url, {
    protocols,
    headers,
    origin,
    compression,
    maxHeadSize,
    maxHeaders,
  });
  options.signal?.throwIfAborted();

  const giveUp = new AbortController();
  const where = dialTarget(opening.url, options, giveUp.signal);
  const onAbort = () => giveUp.abort(options.signal!.reason);
  options.signal?.addEventListener("abort", onAbort);
  const deadline = new Deadline(limits.handshakeTimeout, () => giveUp.abort(new HandshakeError("timeout")));
  try {
    const transport = await dial(where);
    const channel = new ByteChannel(transport);
    return await shakeHands(channel, opening, { limits, sha1, signal: giveUp.signal });
  } catch (error) {
    if (!(error instanceof HandshakeError) || error === options.signal?.reason) throw error;
    throw connectError(error, where, { timeout: limits.handshakeTimeout });
  } finally {
    deadline.stop();
    options.signal?.removeEventListener("abort", onAbort);
  }
}

/**
 * Opens a WebSocket over any byte stream, as the client.
 *
 * @param stream The stream to the server; it is the connection's from now on.
 * @param url What to ask for: it gives Host and target.
 * @param options How to ask.
 * @returns The open connection.
 * @throws {HandshakeError} If the server takes too long, refuses or answers wrongly.
 *
 * @example Two ends joined in memory
 * ```ts
 * import { acceptStream, connectStream } from "@sluice/websocket";
 *
 * const up = new TransformStream<Uint8Array>();
 * const down = new TransformStream<Uint8Array>();
 * const [client, server] = await Promise.all([
 *   connectStream({ readable: down.readable, writable: up.writable }, "ws://localhost/"),
 *   acceptStream({ readable: up.readable, writable: down.writable }),
 * ]);
 * await client.send("Hello");
 * for await (const message of server) {
 *   console.log(message); // "Hello"
 *   break;
 * }
 * client.close();
 * await server.closed;
 * ```
 */
export function connectStream(
  stream: ByteStream,
  url: string | URL,
  options: ConnectOptions = {},
): Promise<WebSocketConnection> {
  return openConnection({ dial: () => Promise.resolve(new StreamTransport(stream)) }, url, options);
}

async function shakeHands(
  channel: ByteChannel,
  opening: ClientOpening,
  { limits, sha1, signal }: { limits: CheckedLimits; sha1: Sha1 | undefined; signal: AbortSignal },
): Promise<WebSocketConnection> {
  const onAbort = () => channel.fail(signal.reason);
  signal.addEventListener("abort", onAbort);
  try {
    signal.throwIfAborted();
    // Before the head is read: whoever reads on has to wait for as little as possible.
    const accept = await acceptKeyBy(opening.key, sha1);
    await channel.write(opening.request, Infinity);
    for (let complete = false; !complete;) {
      const bytes = await channel.read();
      if (bytes === undefined) throw new HandshakeError("ended");
      complete = opening.push(bytes);
    }
    const { head, leftover } = opening;
    if (head.status !== 101) throw await refusalOf(channel, { head, rest: leftover });
    const start = { role: "client", limits, rest: leftover, ...opening.confirm(accept) } as const;
    return new Connection(channel.transport, start);
  } catch (error) {
    channel.transport.destroy();
    throw error;
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}
