/**
 * The server's side of the opening handshake over a byte stream (RFC 6455 §4.2).
 *
 * @module
 */

import { HandshakeError } from "../errors.ts";
import { acceptKeyBy, type Sha1 } from "../handshake/accept_key.ts";
import { aHeadersInput, readUserHeaders } from "../handshake/field_lines.ts";
import { type RequestHead, RequestHeadParser } from "../handshake/head_parser.ts";
import { writeRefusal } from "../handshake/http_response.ts";
import { type HostPolicy, isAllowedHost } from "../handshake/host.ts";
import { checkOriginPolicy, isAllowedOrigin, type OriginPolicy } from "../handshake/origin.ts";
import { requestUrl } from "../handshake/request_url.ts";
import {
  checkProtocolChoice,
  checkUpgrade,
  chooseProtocol,
  type HeadersInput,
  type ProtocolChoice,
  type UpgradeOffer,
  writeAccept,
} from "../handshake/server_handshake.ts";
import { checkOptions, type OptionTable } from "../options/option_table.ts";
import type { DeflateCodec } from "../protocol/deflate_codec.ts";
import { type CompressionOptions, readCompression } from "../handshake/deflate_negotiation.ts";
import { ByteChannel } from "./byte_channel.ts";
import { Compression } from "../handshake/compression.ts";
import { Connection } from "./connection.ts";
import { writeResponse } from "./http_answer.ts";
import { Deadline } from "./deadline.ts";
import { type CheckedLimits, type Limits, limitTable, readLimits } from "./limits.ts";
import { isResponse } from "./response_shape.ts";
import { type ByteStream, StreamTransport } from "./stream_transport.ts";
import { IncomingUpgrade, type UpgradeRequest } from "./upgrade_request.ts";
import type { ServerConnection } from "./web_socket_connection.ts";

/** How upgrades are accepted. */
export interface AcceptOptions extends Limits {
  /** The subprotocols that are spoken, the most wanted first, or a function that chooses. @default none */
  protocols?: ProtocolChoice;
  /**
   * Which web pages may connect: a list of origins beside the server's own, a function, or `"any"`. Requests without
   * an `Origin`, which do not come from a browser, always may.
   *
   * @default the server's own
   */
  origins?: OriginPolicy;
  /** More headers for the response that accepts. @default none */
  headers?: HeadersInput;
  /** Whether and how to compress messages (permessage-deflate, RFC 7692). @default {false} */
  compression?: boolean | CompressionOptions;
}

/** What options may be. */
export const acceptTable = (): OptionTable<AcceptOptions> => ({
  ...limitTable,
  protocols: checkProtocolChoice,
  origins: checkOriginPolicy,
  headers: aHeadersInput,
  compression: (value) => void readCompression(value as boolean | CompressionOptions),
});

/** Options that are checked, as far as they can be before a request comes. */
export interface AcceptSettings extends Pick<AcceptOptions, "protocols" | "origins" | "headers"> {
  /** The limits of connections. */
  readonly limits: CheckedLimits;
  /** How to compress. */
  readonly compression: Compression | undefined;
  /** How to compute digests. */
  readonly sha1: Sha1 | undefined;
}

/** What a runtime has for handshakes that the core does not. */
export interface HandshakePlatform {
  /** What compresses, unless the options have their own. */
  readonly codec?: DeflateCodec;
  /** What computes digests. @default `crypto.subtle` */
  readonly sha1?: Sha1;
}

/**
 * Checks the options.
 *
 * @param options What the user set.
 * @param platform What the runtime has.
 * @throws {TypeError | RangeError} If one is wrong; the message has its name.
 */
export function readAcceptOptions(options: AcceptOptions, platform: HandshakePlatform = {}): AcceptSettings {
  checkOptions("options", options, acceptTable(), "{ compression: true }");
  return resolveAcceptOptions(options, platform);
}

/**
 * Fills in defaults. Lists and headers are copied: changing them later changes nothing.
 *
 * @param options What the user set, checked against {@linkcode acceptTable}.
 * @param platform What the runtime has.
 * @throws {TypeError} If a header cannot be sent, or there is nothing to compress with.
 */
export function resolveAcceptOptions(options: AcceptOptions, platform: HandshakePlatform): AcceptSettings {
  const { protocols, origins, headers } = options;
  return {
    ...protocols && { protocols: typeof protocols === "function" ? protocols : [...protocols] },
    ...origins && { origins: typeof origins === "object" ? [...origins] : origins },
    ...headers && { headers: readUserHeaders(headers) },
    limits: readLimits(options),
    compression: Compression.read(options.compression, platform.codec),
    sha1: platform.sha1,
  };
}

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

/** A request whose head was read. */
export interface ReceivedRequest {
  /** Where it came from. */
  readonly channel: ByteChannel;
  /** Its head. */
  readonly head: RequestHead;
  /** What came behind the head: frames, or a body. */
  readonly rest: Uint8Array;
}

/**
 * Reads a request's head.
 *
 * @throws {HandshakeError} If the head is wrong, ends too early, or takes longer than `handshakeTimeout`.
 */
export async function receiveRequest(
  channel: ByteChannel,
  limits: CheckedLimits,
): Promise<ReceivedRequest> {
  const deadline = new Deadline(limits.handshakeTimeout, () => channel.fail(new HandshakeError("timeout")));
  try {
    const { head, rest } = await channel.readHead(new RequestHeadParser(limits));
    return { channel, head, rest };
  } finally {
    deadline.stop();
  }
}

/** An upgrade that RFC 6455 allows, and that nobody has decided on. */
export interface ReceivedUpgrade<C> extends ReceivedRequest {
  /** What it offers. */
  readonly offer: UpgradeOffer;
  /** What the user sees of it. */
  readonly request: IncomingUpgrade<C>;
}

/**
 * Checks that a request is an upgrade.
 *
 * @throws {HandshakeError} If it is none, or a wrong one.
 */
export function readUpgrade<C>(received: ReceivedRequest): ReceivedUpgrade<C> {
  const { channel, head } = received;
  const url = requestUrl(head, { secure: channel.transport.secure });
  const offer = checkUpgrade(head);
  const request = new IncomingUpgrade<C>(channel, head, url, offer);
  channel.onLeft = (reason) => request.leave(reason);
  return { ...received, offer, request };
}

/**
 * Checks which host a request asks for.
 *
 * @throws {HandshakeError} If that is not allowed, or is not a host. What a function of the user's throws.
 */
export function checkHost({ channel, head }: ReceivedRequest, hosts: HostPolicy): void {
  if (hosts === "any") return;
  requestUrl(head, { secure: channel.transport.secure });
  if (!isAllowedHost(head, hosts)) throw new HandshakeError("misdirected");
}

/**
 * Checks where an upgrade comes from.
 *
 * @throws {HandshakeError} If that is not allowed.
 */
export async function checkOrigin(
  { channel, head }: ReceivedRequest,
  { origins }: AcceptSettings,
): Promise<void> {
  const { secure } = channel.transport;
  if (!await isAllowedOrigin(head, origins, { secure })) throw new HandshakeError("origin");
}

/**
 * Accepts an upgrade whose origin was checked.
 *
 * @throws {HandshakeError} If the client left.
 * @throws {TypeError} If the options are at fault.
 */
export async function acceptUpgrade<C>(
  { channel, rest, offer, request }: ReceivedUpgrade<C>,
  { protocols, headers, limits, compression, sha1 }: AcceptSettings,
): Promise<Connection & ServerConnection<C>> {
  const protocol = chooseProtocol(offer.protocols, protocols);
  const agreed = compression?.accept(offer.extensions);
  const accept = await acceptKeyBy(offer.key, sha1);
  const greeting = writeAccept({ accept, protocol, extensions: agreed?.header, headers });
  if (channel.left !== undefined) throw channel.left;
  channel.onLeft = undefined;
  request.pack();
  const connection = new Connection(channel.transport, {
    role: "server",
    request,
    protocol: protocol ?? "",
    extensions: agreed?.header ?? "",
    deflate: agreed?.start(),
    limits,
    greeting,
    rest: channel.takeUnread(rest),
  });
  connection.observe({ closed: () => request.leave(), gone() {} });
  return connection as Connection & ServerConnection<C>;
}

/** Answers a request with an HTTP error and ends the stream; cuts it in the middle of a TLS handshake. Never rejects. */
export async function refuse(
  channel: ByteChannel,
  error: HandshakeError,
  limits: CheckedLimits,
): Promise<void> {
  if (channel.transport.handshaking) return channel.transport.destroy();
  channel.recover();
  // A peer that has left, or that reads nothing, gets nothing.
  await channel.write(writeRefusal(error), limits.closeTimeout).catch(() => {});
  await channel.linger(limits.closeTimeout);
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
  const refusing = async (error: unknown): Promise<never> => {
    await refuse(channel, error instanceof HandshakeError ? error : new HandshakeError("internal"), limits);
    throw error;
  };
  const accept = async (upgrade: ReceivedUpgrade<undefined>, own: AcceptOptions = {}) => {
    checkOptions("options", own, acceptTable());
    const settings = readAcceptOptions(mergeOptions(options, own));
    await checkOrigin(upgrade, settings);
    return await acceptUpgrade(upgrade, settings);
  };
  let answer: "accepted" | "rejected" | undefined;
  // An answer is written once: a second one would go into the open WebSocket.
  const decide = (as: "accepted" | "rejected") => {
    if (answer !== undefined) throw new TypeError(`Cannot answer upgrade: it was ${answer} before`);
    answer = as;
    channel.unwatch();
  };
  try {
    const upgrade = readUpgrade<undefined>(await receiveRequest(channel, limits));
    const pending = Object.assign(upgrade.request, {
      async accept(own?: AcceptOptions) {
        decide("accepted");
        return await accept(upgrade, own).catch(refusing);
      },
      async reject(response: Response = forbidden()) {
        checkResponse(response);
        decide("rejected");
        await reject(channel, response, limits);
      },
    });
    return { pending, channel };
  } catch (error) {
    return await refusing(error);
  }
}

/** Puts options in place of others. By name: a spread would leave out what an object has from its class. */
function mergeOptions(options: AcceptOptions, own: AcceptOptions): AcceptOptions {
  const names = Object.keys(acceptTable()) as (keyof AcceptOptions)[];
  return Object.fromEntries(names.map((name) => [name, own[name] ?? options[name]]));
}

/** Makes the response that refuses without giving a reason. */
export function forbidden(): Response {
  return new Response("Forbidden\n", { status: 403 });
}

function checkResponse(response: unknown): void {
  if (!isResponse(response)) throw new TypeError("Cannot reject upgrade: the answer is not a Response");
}

/** Refuses with a response of the user's. */
export async function reject(
  channel: ByteChannel,
  response: Response,
  limits: CheckedLimits,
): Promise<void> {
  checkResponse(response);
  await writeResponse(channel, response, { timeout: limits.handshakeTimeout });
  await channel.linger(limits.closeTimeout);
}
