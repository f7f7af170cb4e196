/**
 * WebSocket on an `http.Server` or `https.Server` that somebody else runs.
 *
 * @module
 */

import type { Socket } from "node:net";
import { acceptFrom, orRefuse } from "../connection/accept.ts";
import { type AcceptOptions, readAcceptOptions } from "../connection/accept_options.ts";
import { ByteChannel } from "../connection/byte_channel.ts";
import { type CheckedLimits, readLimits } from "../connection/limits.ts";
import { forbidden, Reception, refuse, reject } from "../connection/reception.ts";
import type { ServerConnection } from "../connection/web_socket_connection.ts";
import { HandshakeError } from "../errors.ts";
import { HeaderFields } from "../handshake/header_fields.ts";
import type { ServerOpening } from "../handshake/server_opening.ts";
import { NodeTransport } from "./node_transport.ts";
import { sha1 } from "./sha1.ts";
import { zlibCodec } from "./zlib/codec.ts";

/** What the `upgrade` event tells of a request: an `http.IncomingMessage`, by its shape, for programs without Node's types. */
export interface IncomingUpgrade {
  /** The method. */
  readonly method?: string | undefined;
  /** The target. */
  readonly url?: string | undefined;
  /** The version, without `HTTP/`. */
  readonly httpVersion: string;
  /** Names and values of the header lines, as they were sent. */
  readonly rawHeaders: readonly string[];
}

/** The socket of an `upgrade` event: a `net.Socket`, although it is declared as a `stream.Duplex`. */
export interface UpgradeSocket {
  /** Whether it is of no use any more. */
  readonly destroyed: boolean;
  /** Destroys it. */
  destroy(): unknown;
}

/** The sockets that Sluice has taken, to be upgraded or refused: nobody may write to them a second time. */
const taken = new WeakSet<UpgradeSocket>();

/** The response that `node:http` is writing to a socket: undocumented, on Node and Deno. Bun's upgrades come in their turn. */
interface Answering {
  readonly _httpMessage?: Pick<Socket, "once"> | null;
}

/**
 * Waits for the answers to requests that a client sent ahead of an upgrade: HTTP/1.1 answers in order (RFC 9112 §9.3.2),
 * and `node:http` would write a late one into the open WebSocket.
 */
async function answersBefore(socket: UpgradeSocket & Answering): Promise<void> {
  if (!socket._httpMessage) return;
  const gone = new Promise((resolve) => (socket as unknown as Socket).once("close", resolve));
  while (socket._httpMessage && !socket.destroyed) {
    const answer = socket._httpMessage;
    await Promise.race([gone, new Promise((resolve) => answer.once("finish", () => resolve(undefined)))]);
  }
}

/** What has no other place to go is known from the socket's `close`. */
function ignore(): void {}

/**
 * Accepts one upgrade that an `http.Server` has received. {@linkcode attach} does all of it for a whole server; this
 * is for those who want to handle each request themselves.
 *
 * Node's parser has read the head by then, so its own limits on heads apply too. The caller decides whether the
 * request may connect at all; its origin is checked as everywhere.
 *
 * Until `upgrade` is called the socket is the caller's. Node ends the process when a client resets a socket that has
 * no `error` listener, so call `upgrade` before the first `await`, or add `socket.on("error", () => {})` first.
 *
 * @param request What the `upgrade` event gives.
 * @param socket Its socket, which belongs to the connection from now on.
 * @param head The bytes that came after the request's head.
 * @param options How to accept it.
 * @returns The open connection.
 * @throws {HandshakeError} If the request is not a valid upgrade, in which case the client has been answered; `ended`
 *   if the client has left.
 * @throws {TypeError | RangeError} If the options are wrong: then the socket is still the caller's. If the socket was
 *   upgraded or refused before.
 *
 * @example Beside whatever else the server does
 * ```ts no-eval
 * import { createServer } from "node:http";
 * import { refuseUpgrade, upgrade } from "@sluice/websocket/node";
 *
 * const server = createServer((_request, response) => response.end("Hello"));
 * server.on("upgrade", async (request, socket, head) => {
 *   if (request.url !== "/echo") return refuseUpgrade(socket, new Response("Not found", { status: 404 }));
 *   try {
 *     const connection = await upgrade(request, socket, head);
 *     for await (const message of connection) await connection.send(message);
 *   } catch (error) {
 *     console.error(error); // not a valid upgrade, or the client has vanished
 *   }
 * });
 * ```
 */
export async function upgrade(
  request: IncomingUpgrade,
  socket: UpgradeSocket,
  head: Uint8Array,
  options: AcceptOptions = {},
): Promise<ServerConnection> {
  guard(socket);
  const settings = readAcceptOptions(options, { codec: zlibCodec, sha1 });
  if (taken.has(socket)) throw new TypeError("Cannot upgrade: the socket was upgraded or refused before");
  const channel = await takeSocket(socket);
  if (channel === undefined) throw new HandshakeError("ended");
  const reception = new Reception<undefined>(channel, settings.limits);
  return await orRefuse(reception, () => {
    readRequest(reception.opening, { request, head, limits: settings.limits });
    reception.check();
    return acceptFrom(reception, settings);
  });
}

/**
 * Refuses an upgrade that an `http.Server` has received: sends an HTTP response and ends the connection.
 *
 * Never throws. Nothing is sent if the client has left, or if the socket was upgraded or refused before.
 *
 * @param socket The socket of the `upgrade` event, which belongs to Sluice from now on.
 * @param response What to answer. @default status 403
 * @returns Settles when the connection has ended.
 */
export async function refuseUpgrade(socket: UpgradeSocket, response?: Response): Promise<void> {
  guard(socket);
  const channel = await takeSocket(socket);
  if (channel === undefined) return;
  const limits = readLimits({});
  try {
    await reject(channel, response ?? forbidden(), limits);
  } catch {
    // It is no response that can be sent.
    await refuse(channel, new HandshakeError("internal"), limits);
  }
}

/** Keeps the process alive when a client resets the socket: an `error` event without a listener would end it. */
export function guard(socket: UpgradeSocket): void {
  (socket as unknown as Socket).on("error", ignore);
}

/**
 * Takes a socket over from `node:http`, once that has written all to it.
 *
 * @returns `undefined` if the client has left, or somebody has taken the socket before.
 */
export async function takeSocket(socket: UpgradeSocket): Promise<ByteChannel | undefined> {
  if (taken.has(socket)) return undefined;
  taken.add(socket);
  await answersBefore(socket);
  const { destroyed, writable, readableEnded } = socket as unknown as Socket;
  if (!destroyed && writable && !readableEnded) {
    return new ByteChannel(new NodeTransport(socket as unknown as Socket, { fresh: false }));
  }
  // Whoever decided on the request may have taken its time. Such a socket would not tell of its end again.
  socket.destroy();
  return undefined;
}

/**
 * Reads what Node's parser has made of a request.
 *
 * @throws {HandshakeError} If the version is neither 1.0 nor 1.1, or the head is over the limits.
 */
export function readRequest(
  opening: ServerOpening,
  { request, head, limits }: { request: IncomingUpgrade; head: Uint8Array; limits: CheckedLimits },
): void {
  const { method, url, httpVersion, rawHeaders } = request;
  // Node's parser also takes 0.9, and 2.0 in the form of 1.1.
  if (httpVersion !== "1.0" && httpVersion !== "1.1") throw new HandshakeError("http-version");
  if (rawHeaders.length / 2 > limits.maxHeaders) throw new HandshakeError("too-many-headers");
  // What stands around names and values: "GET / HTTP/1.1\r\n", "name: value\r\n", "\r\n".
  const size = rawHeaders.reduce((sum, text) => sum + text.length + 2, method!.length + url!.length + 14);
  if (size > limits.maxHeadSize) throw new HandshakeError("head-too-large");
  const fields = fieldsOf(request);
  const read = { kind: "request", method: method!, target: url!, httpVersion, headers: fields } as const;
  opening.take(read, new Uint8Array(head));
}

/** Reads the header lines as they were sent: Node's own list leaves out or joins those that are doubled. */
export function fieldsOf({ rawHeaders }: IncomingUpgrade): HeaderFields {
  const fields = new HeaderFields();
  for (let i = 0; i < rawHeaders.length; i += 2) {
    fields.append(rawHeaders[i]!.toLowerCase(), rawHeaders[i + 1]!);
  }
  return fields;
}
