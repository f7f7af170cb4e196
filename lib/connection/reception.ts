/**
 * A request that comes over a channel, from its first byte until it is a connection, or refused.
 *
 * @module
 */

import { HandshakeError } from "../errors.ts";
import { after } from "../handshake/at_once.ts";
import { refusalOf, ServerOpening } from "../handshake/server_opening.ts";
import type { AcceptSettings } from "./accept_options.ts";
import type { ByteChannel, ChannelReader } from "./byte_channel.ts";
import { Connection } from "./connection.ts";
import { Deadline } from "./deadline.ts";
import { writeResponse } from "./http_answer.ts";
import type { CheckedLimits } from "./limits.ts";
import { isResponse } from "./response_shape.ts";
import { IncomingUpgrade } from "./upgrade_request.ts";
import type { ServerConnection } from "./web_socket_connection.ts";

/** Whoever wants to know of a request. */
export interface ReceptionHost<C> {
  /** Called when the head is complete. */
  received(reception: Reception<C>): void;
  /** Called if it is wrong, ends too early, or takes longer than `handshakeTimeout`. */
  failed(reception: Reception<C>, error: unknown): void;
}

/** Moves bytes between a channel and a {@linkcode ServerOpening}; no promise is made where nothing has to be waited for. */
export class Reception<C> implements ChannelReader {
  /** Where the request comes from. */
  readonly channel: ByteChannel;
  /** What is known of it. */
  readonly opening: ServerOpening;
  /** Nothing is left of it but what a function of the user's does. */
  readonly ended = true;
  /** How long things may take. */
  readonly limits: CheckedLimits;
  #host: ReceptionHost<C> | undefined;
  #deadline: Deadline | undefined;
  #request: IncomingUpgrade<C> | undefined;

  constructor(channel: ByteChannel, limits: CheckedLimits) {
    this.channel = channel;
    const { maxHeadSize, maxHeaders } = limits;
    this.opening = new ServerOpening({ maxHeadSize, maxHeaders, secure: channel.transport.secure });
    this.limits = limits;
  }

  /** Reads the head, and calls one of the host's methods, once. */
  receive(host: ReceptionHost<C>): void {
    this.#host = host;
    const { channel, limits } = this;
    const onLate = () => channel.fail(new HandshakeError("timeout"));
    this.#deadline = new Deadline(limits.handshakeTimeout, onLate);
    channel.readTo(this);
  }

  resolve(bytes: Uint8Array | undefined): void {
    try {
      if (bytes === undefined) throw new HandshakeError("ended");
      if (!this.opening.push(bytes)) return this.channel.readTo(this);
    } catch (error) {
      return this.reject(error);
    }
    this.#deadline!.stop();
    this.#host!.received(this);
  }

  reject(error: unknown): void {
    this.#deadline!.stop();
    this.#host!.failed(this, error);
  }

  /** What the user sees of the upgrade, once {@linkcode check} has found it right. */
  get request(): IncomingUpgrade<C> | undefined {
    return this.#request;
  }

  /**
   * Checks that the request is an upgrade.
   *
   * @returns What the user sees of it.
   * @throws {HandshakeError} If it is none, or a wrong one.
   */
  check(): IncomingUpgrade<C> {
    const { channel, opening } = this;
    const { url, offer, head } = opening;
    const request = new IncomingUpgrade<C>(channel, head, url, offer);
    channel.onLeft = (reason) => request.leave(reason);
    return this.#request = request;
  }

  /**
   * Accepts the upgrade, which was checked, and its origin too.
   *
   * @returns The connection; a promise if the digest is one.
   * @throws {HandshakeError} If the client left.
   * @throws {TypeError} If the options are at fault.
   */
  accept(
    settings: AcceptSettings,
  ): (Connection & ServerConnection<C>) | Promise<Connection & ServerConnection<C>> {
    const { channel, opening } = this;
    const request = this.#request!;
    return after(opening.accept(settings), ({ response, protocol, extensions, deflate }) => {
      if (channel.left !== undefined) throw channel.left;
      channel.onLeft = undefined;
      request.pack();
      const connection = new Connection(channel.transport, {
        role: "server",
        request,
        protocol,
        extensions,
        deflate,
        limits: settings.limits,
        greeting: response,
        rest: channel.takeUnread(opening.leftover),
      });
      connection.observe({ closed: () => request.leave(), gone() {} });
      return connection as Connection & ServerConnection<C>;
    });
  }

  /** Cuts the stream. */
  abort(): void {
    this.channel.transport.destroy();
  }
}

/** Answers a request with an HTTP error and ends the stream; cuts it in the middle of a TLS handshake. Never rejects. */
export async function refuse(channel: ByteChannel, error: unknown, limits: CheckedLimits): Promise<void> {
  if (channel.transport.handshaking) return channel.transport.destroy();
  channel.recover();
  // A peer that has left, or that reads nothing, gets nothing.
  await channel.write(refusalOf(error), limits.closeTimeout).catch(() => {});
  await channel.linger(limits.closeTimeout);
}

/**
 * Refuses with a response of the user's.
 *
 * @throws {TypeError} If it is not a `Response`: then the request still waits for an answer.
 */
export async function reject(
  channel: ByteChannel,
  response: Response,
  limits: CheckedLimits,
): Promise<void> {
  checkResponse(response);
  await writeResponse(channel, response, { timeout: limits.handshakeTimeout });
  await channel.linger(limits.closeTimeout);
}

/** Checks what a user wants to refuse with. */
export function checkResponse(response: unknown): void {
  if (!isResponse(response)) throw new TypeError("Cannot reject upgrade: the answer is not a Response");
}

/** Makes the response that refuses without giving a reason. */
export function forbidden(): Response {
  return new Response("Forbidden\n", { status: 403 });
}
