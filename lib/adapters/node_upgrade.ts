/**
 * WebSocket on an `http.Server` or `https.Server` that somebody else runs.
 *
 * @module
 */

import type { Socket } from "node:net";
import {
  type AcceptOptions,
  acceptUpgrade,
  checkOrigin,
  readAcceptOptions,
  readUpgrade,
  refuse,
} from "../connection/accept.ts";
import { ByteChannel } from "../connection/byte_channel.ts";
import type { WebSocketConnection } from "../connection/web_socket_connection.ts";
import { HandshakeError } from "../errors.ts";
import { HeaderFields } from "../handshake/header_fields.ts";
import { NodeTransport } from "./node_transport.ts";
import { sha1 } from "./sha1.ts";
import { zlibCodec } from "./zlib.ts";

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

/**
 * Accepts an upgrade that an `http.Server` has received.
 *
 * Node's parser has read the head by then, so the limits on heads are Node's. Whether the request may connect at all is
 * for the caller to decide before; its origin is checked as everywhere.
 *
 * @param request What the `upgrade` event gives.
 * @param socket Its socket; it is the connection's from now on.
 * @param head The bytes that came behind the request's head.
 * @param options How to accept it.
 * @returns The open connection.
 * @throws {HandshakeError} If the request is no right upgrade; the client has been told by then.
 * @throws {TypeError | RangeError} If the options are wrong; the socket is the caller's still.
 *
 * @example Beside whatever else the server does
 * ```ts no-eval
 * import { createServer } from "node:http";
 * import { upgrade } from "@sluice/websocket/node";
 *
 * const server = createServer((_request, response) => response.end("Hello"));
 * server.on("upgrade", async (request, socket, head) => {
 *   if (request.url !== "/chat") return; // another listener's
 *   const connection = await upgrade(request, socket, head).catch(() => undefined);
 *   if (connection !== undefined) await connection.readable.pipeTo(connection.writable);
 * });
 * ```
 */
export async function upgrade(
  request: IncomingUpgrade,
  socket: UpgradeSocket,
  head: Uint8Array,
  options: AcceptOptions = {},
): Promise<WebSocketConnection> {
  const settings = readAcceptOptions(options, { codec: zlibCodec, sha1 });
  // Whoever decided on the request may have taken its time. Such a socket would not tell of its end again.
  if (socket.destroyed) throw new HandshakeError("ended");
  const channel = new ByteChannel(new NodeTransport(socket as unknown as Socket, { fresh: false }));
  const received = {
    channel,
    head: { kind: "request", method: request.method!, target: request.url!, headers: fieldsOf(request) },
    rest: new Uint8Array(head),
  } as const;
  try {
    // Node's parser also takes HTTP/1.0, and 2.0 in the form of 1.1.
    if (request.httpVersion !== "1.1") throw new HandshakeError("http-version");
    const upgrade = readUpgrade(received);
    checkOrigin(upgrade, settings);
    return await acceptUpgrade(upgrade, settings);
  } catch (error) {
    await refuse(
      channel,
      error instanceof HandshakeError ? error : new HandshakeError("internal"),
      settings.limits,
    );
    throw error;
  }
}

/** Reads the header lines as they were sent: Node's own list leaves out or joins those that are doubled. */
function fieldsOf({ rawHeaders }: IncomingUpgrade): HeaderFields {
  const fields = new HeaderFields();
  for (let i = 0; i < rawHeaders.length; i += 2) {
    fields.append(rawHeaders[i]!.toLowerCase(), rawHeaders[i + 1]!);
  }
  return fields;
}
