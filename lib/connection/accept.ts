/**
 * The server's side of the opening handshake over a byte stream (RFC 6455 §4.2).
 *
 * @module
 */

import { HandshakeError } from "../errors.ts";
import { checkOptions } from "../options/option_table.ts";
import { type AcceptOptions, type AcceptSettings, acceptTable, readAcceptOptions } from "./accept_options.ts";
import { ByteChannel } from "./byte_channel.ts";
import { checkResponse, forbidden, Reception, refuse, reject } from "./reception.ts";
import { type ByteStream, StreamTransport } from "./stream_transport.ts";
import type { UpgradeRequest } from "./upgrade_request.ts";
import type { ServerConnection } from "./web_socket_connection.ts";

/** A request that waits for an answer: one of `accept` and `reject`, once. */
export interface PendingUpgrade extends UpgradeRequest {
  /**
   * Accepts it.
   *
   * @param options In place of those given before.
   * @throws {HandshakeError} If the client left, or its origin is not allowed.
   * @throws {TypeError} If it was accepted or rejected before.
   */
  accept(options?: AcceptOptions): Promise<ServerConnection>;
  /**
   * Refuses it.
   *
   * @param response What to answer. @default 403
   * @throws {TypeError} If it was accepted or rejected before; if the answer is not a `Response`: then the request
   *   still waits for one.
   */
  reject(response?: Response): Promise<void>;
}

/**
 * Receives a WebSocket over any byte stream, as the server.
 *
 * @param stream The stream; it is the connection's from now on.
 * @param options How to accept it.
 * @returns The open connection.
 * @throws {HandshakeError} If the client's handshake is wrong; it has been told by then.
 *
 * @example Over a stream of your own
 * ```ts ignore
 * const socket = await acceptStream(await listener.accept());
 * await socket.readable.pipeTo(socket.writable);
 * ```
 */
export async function acceptStream(
  stream: ByteStream,
  options: AcceptOptions = {},
): Promise<ServerConnection> {
  return await (await receivePending(stream, options)).pending.accept();
}

/**
 * Receives a request for a WebSocket over any byte stream, to be looked at before it is accepted or refused.
 *
 * @param stream The stream; it is the connection's from now on.
 * @param options How to accept it.
 * @throws {HandshakeError} If the request is wrong; the client has been told by then.
 */
export async function receiveUpgrade(
  stream: ByteStream,
  options: AcceptOptions = {},
): Promise<PendingUpgrade> {
  const { pending, channel } = await receivePending(stream, options);
  // The user may take its time, and the client leave.
  channel.watch();
  return pending;
}

async function receivePending(
  stream: ByteStream,
  options: AcceptOptions,
): Promise<{ pending: PendingUpgrade; channel: ByteChannel }> {
  const { limits } = readAcceptOptions(options);
  const channel = new ByteChannel(new StreamTransport(stream));
  const reception = new Reception<undefined>(channel, limits);
  let answer: "accepted" | "rejected" | undefined;
  // An answer is written once: a second one would go into the open WebSocket.
  const decide = (as: "accepted" | "rejected") => {
    if (answer !== undefined) throw new TypeError(`Cannot answer upgrade: it was ${answer} before`);
    answer = as;
    channel.unwatch();
  };
  return await orRefuse(reception, async () => {
    await received(reception);
    const pending = Object.assign(reception.check(), {
      async accept(own: AcceptOptions = {}) {
        decide("accepted");
        return await orRefuse(reception, async () => {
          checkOptions("options", own, acceptTable());
          return await acceptFrom(reception, readAcceptOptions(mergeOptions(options, own)));
        });
      },
      async reject(response: Response = forbidden()) {
        checkResponse(response);
        decide("rejected");
        await reject(channel, response, limits);
      },
    });
    return { pending, channel };
  });
}

/** Waits until the head of a request is complete. */
function received(reception: Reception<undefined>): Promise<void> {
  return new Promise((resolve, reject) =>
    reception.receive({ received: () => resolve(), failed: (_, error) => reject(error) })
  );
}

/**
 * Accepts an upgrade that was checked, if its origin is allowed.
 *
 * @throws {HandshakeError} If it is not, or the client left.
 */
export async function acceptFrom(
  reception: Reception<undefined>,
  settings: AcceptSettings,
): Promise<ServerConnection> {
  if (!await reception.opening.isAllowedOrigin(settings.origins)) throw new HandshakeError("origin");
  return await reception.accept(settings);
}

/** Runs something; the client is told of it if that fails. */
export async function orRefuse<T>(reception: Reception<undefined>, run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    await refuse(reception.channel, error, reception.limits);
    throw error;
  }
}

/** Puts options in place of others. By name: a spread would leave out what an object has from its class. */
function mergeOptions(options: AcceptOptions, own: AcceptOptions): AcceptOptions {
  const names = Object.keys(acceptTable()) as (keyof AcceptOptions)[];
  return Object.fromEntries(names.map((name) => [name, own[name] ?? options[name]]));
}
