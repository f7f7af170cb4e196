/**
 * The server's side of an opening handshake, without any I/O: bytes in, a decision and bytes out (RFC 6455 §4.2).
 *
 * @module
 */

import { HandshakeError } from "../errors.ts";
import type { EndpointDeflate } from "../protocol/endpoint.ts";
import { acceptKeyBy, type Sha1 } from "./accept_key.ts";
import { after } from "./at_once.ts";
import type { Compression } from "./compression.ts";
import type { HeadersInput } from "./field_lines.ts";
import { type HeadLimits, type RequestHead, RequestHeadParser } from "./head_parser.ts";
import { type HostPolicy, isAllowedHost } from "./host.ts";
import { writeRefusal } from "./http_response.ts";
import { isAllowedOrigin, type OriginPolicy } from "./origin.ts";
import { requestUrl } from "./request_url.ts";
import {
  checkUpgrade,
  chooseProtocol,
  isUpgrade,
  type ProtocolChoice,
  type UpgradeOffer,
  writeAccept,
} from "./server_handshake.ts";

/** What a server reads a request with. */
export interface ServerOpeningOptions extends HeadLimits {
  /** Whether the request comes through TLS. @default {false} */
  secure?: boolean;
}

/** What a server answers an upgrade with. */
export interface UpgradeAnswer {
  /** The subprotocols that are spoken, the most wanted first, or a function that chooses. @default none */
  protocols?: ProtocolChoice | undefined;
  /** More headers for the response. @default none */
  headers?: HeadersInput | undefined;
  /** How to compress messages. @default not at all */
  compression?: Compression | undefined;
  /** What computes digests; if it does so at once, the answer is there at once. @default `crypto.subtle` */
  sha1?: Sha1 | undefined;
}

/** An upgrade that was accepted. */
export interface AcceptedUpgrade {
  /** The whole 101, to be sent; the caller's own bytes. */
  readonly response: Uint8Array<ArrayBuffer>;
  /** The subprotocol that was chosen; often empty. */
  readonly protocol: string;
  /** The extensions that were agreed on; often empty. */
  readonly extensions: string;
  /** How messages are compressed, if that was agreed on. */
  readonly deflate: EndpointDeflate | undefined;
}

const NOTHING = new Uint8Array(0);

/**
 * Reads a request, checks it, and writes the answer.
 *
 * Bytes go into {@linkcode push} until it returns true. Then the request can be looked at: each part is checked when it is
 * first asked for, and throws if it is wrong. Last comes {@linkcode accept}, or {@linkcode refusalOf} what was thrown.
 *
 * @example
 * ```ts
 * import { ServerOpening } from "@sluice/websocket/core";
 *
 * const opening = new ServerOpening();
 * const request = "GET /chat HTTP/1.1\r\nHost: example.com\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
 *   "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
 * opening.push(new TextEncoder().encode(request)); // true: the head is complete
 * console.log(opening.url); // "http://example.com/chat"
 * const { response } = await opening.accept();
 * ```
 */
export class ServerOpening {
  /** Whether the request comes through TLS. */
  readonly secure: boolean;
  readonly #parser: RequestHeadParser;
  #head: RequestHead | undefined;
  #leftover: Uint8Array = NOTHING;
  #url: string | undefined;
  #offer: UpgradeOffer | undefined;

  /**
   * Makes one for one request.
   *
   * @param options What to read it with.
   * @throws {RangeError} If a limit is not a positive whole number; `Infinity` lifts it.
   */
  constructor(options: ServerOpeningOptions = {}) {
    this.secure = options.secure ?? false;
    this.#parser = new RequestHeadParser(options);
  }

  /**
   * Takes bytes of the request.
   *
   * @param bytes Any number of bytes; not kept, but for {@linkcode leftover}.
   * @returns Whether the head is complete.
   * @throws {HandshakeError} At the first byte that is at fault.
   * @throws {TypeError} If the head was complete before.
   */
  push(bytes: Uint8Array): boolean {
    const head = this.#parser.push(bytes);
    if (head === undefined) return false;
    this.take(head, this.#parser.rest);
    return true;
  }

  /** Takes a head that somebody else has read, and the bytes after it. */
  take(head: RequestHead, leftover: Uint8Array): void {
    this.#head = head;
    this.#leftover = leftover;
  }

  /** Whether the head is complete. */
  get complete(): boolean {
    return this.#head !== undefined;
  }

  /**
   * The request.
   *
   * @throws {TypeError} If it is not complete.
   */
  get head(): RequestHead {
    if (this.#head === undefined) throw new TypeError("Cannot look at request: its head is not complete");
    return this.#head;
  }

  /** The bytes after the head: the first frames, or a body. */
  get leftover(): Uint8Array {
    return this.#leftover;
  }

  /** Whether an upgrade to WebSocket is asked for, rightly or wrongly. */
  get isUpgrade(): boolean {
    return isUpgrade(this.head);
  }

  /**
   * The URL that is asked for, as `http:` or `https:`.
   *
   * @throws {HandshakeError} `"host"`, `"target"`.
   */
  get url(): string {
    return this.#url ??= requestUrl(this.head, { secure: this.secure });
  }

  /**
   * What the client offers.
   *
   * @throws {HandshakeError} If it asks for no upgrade, or for one in a wrong way.
   */
  get offer(): UpgradeOffer {
    return this.#offer ??= checkUpgrade(this.head);
  }

  /**
   * Checks which host is asked for.
   *
   * @throws {HandshakeError} If that is not allowed, or is not a host. What a function of the user's throws.
   */
  checkHost(hosts: HostPolicy): void {
    if (hosts === "any") return;
    void this.url;
    if (!isAllowedHost(this.head, hosts)) throw new HandshakeError("misdirected");
  }

  /**
   * Tells whether the request may come from the page that it comes from.
   *
   * @param origins Which may, beside the server's own.
   * @returns Whether it may; a promise if a function of the user's returned one.
   */
  isAllowedOrigin(origins?: OriginPolicy): boolean | Promise<boolean> {
    void this.url;
    return isAllowedOrigin(this.head, origins, { secure: this.secure });
  }

  /**
   * Accepts the upgrade. Whether its host and its origin are allowed is for the caller to check before.
   *
   * @returns What to send, and what was agreed on; a promise if the digest is one.
   * @throws {HandshakeError} If it is not a right upgrade.
   * @throws {TypeError} If an option is at fault.
   */
  accept(
    { protocols, headers, compression, sha1 }: UpgradeAnswer = {},
  ): AcceptedUpgrade | Promise<AcceptedUpgrade> {
    void this.url;
    const { offer } = this;
    const protocol = chooseProtocol(offer.protocols, protocols);
    const agreed = compression?.accept(offer.extensions);
    return after(acceptKeyBy(offer.key, sha1), (accept) => ({
      response: writeAccept({ accept, protocol, extensions: agreed?.header, headers }),
      protocol: protocol ?? "",
      extensions: agreed?.header ?? "",
      deflate: agreed?.start(),
    }));
  }
}

/** Names the fault that a request is refused with: what is no fault of the client's is one of ours. */
export function faultOf(error: unknown): HandshakeError {
  return error instanceof HandshakeError ? error : new HandshakeError("internal", { cause: error });
}

/** Writes the response that refuses a request because of an error; the caller's own bytes. */
export function refusalOf(error: unknown): Uint8Array<ArrayBuffer> {
  return writeRefusal(faultOf(error));
}
