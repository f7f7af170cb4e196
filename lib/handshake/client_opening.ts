/**
 * The client's side of an opening handshake, without any I/O: a request out, bytes in, a decision out (RFC 6455 §4.1).
 *
 * @module
 */

import { HandshakeError } from "../errors.ts";
import type { EndpointDeflate } from "../protocol/endpoint.ts";
import { generateKey } from "./accept_key.ts";
import { checkUpgradeResponse, validateProtocols, writeUpgradeRequest } from "./client_handshake.ts";
import type { Compression } from "./compression.ts";
import type { HeadersInput } from "./field_lines.ts";
import { type HeadLimits, type ResponseHead, ResponseHeadParser } from "./head_parser.ts";
import { parseWebSocketUrl } from "./websocket_url.ts";

/** How many interim responses are skipped. */
const MAX_INTERIM = 16;
/** How long they may be together, if no limit is set. */
const MAX_HEAD_SIZE = 16_384;

/** What a client asks for. */
export interface ClientOpeningOptions extends HeadLimits {
  /** The subprotocols to offer, the most wanted first. @default none */
  protocols?: string | readonly string[] | undefined;
  /** More headers, such as `Authorization` or `Cookie`. @default none */
  headers?: HeadersInput | undefined;
  /** The `Origin` to send. @default none */
  origin?: string | undefined;
  /** How to compress messages. @default not at all */
  compression?: Compression | undefined;
}

/** What both sides have agreed on. */
export interface AgreedUpgrade {
  /** The subprotocol; often empty. */
  readonly protocol: string;
  /** The extensions; often empty. */
  readonly extensions: string;
  /** How messages are compressed, if that was agreed on. */
  readonly deflate: EndpointDeflate | undefined;
}

/**
 * Writes a request, reads the answer, and checks it.
 *
 * What {@linkcode request} holds is to be sent; what comes back goes into {@linkcode push} until it returns true; then
 * {@linkcode confirm} tells what was agreed on.
 */
export class ClientOpening {
  /** The URL that is asked for. */
  readonly url: URL;
  /** The `Sec-WebSocket-Key`. */
  readonly key: string;
  /** The whole request. */
  readonly request: Uint8Array<ArrayBuffer>;
  readonly #protocols: readonly string[];
  readonly #compression: Compression | undefined;
  readonly #limits: HeadLimits;
  #parser: ResponseHeadParser;
  #head: ResponseHead | undefined;
  /** How many interim responses there were, and how long they were, in bytes. */
  #interim = { count: 0, size: 0 };
  /** How much of the response that is being read has come. */
  #size = 0;

  /**
   * Makes one for one request.
   *
   * @param url `ws:` or `wss:`; `http:` and `https:` are taken for these.
   * @param options What else to ask for.
   * @throws {SyntaxError} If the URL or a protocol is not right.
   * @throws {TypeError} If a header cannot be sent.
   * @throws {RangeError} If a limit is not a positive whole number.
   */
  constructor(url: string | URL, options: ClientOpeningOptions = {}) {
    // By name: a spread would leave out what the object has from its class.
    const { protocols, headers, origin, compression, maxHeadSize = MAX_HEAD_SIZE, maxHeaders } = options;
    this.url = parseWebSocketUrl(url);
    this.#protocols = validateProtocols(protocols);
    this.#compression = compression;
    this.#limits = { maxHeadSize, ...maxHeaders !== undefined && { maxHeaders } };
    this.#parser = new ResponseHeadParser(this.#limits);
    this.key = generateKey();
    const extensions = compression?.offer;
    this.request = writeUpgradeRequest(this.url, this.key, {
      protocols: this.#protocols,
      headers,
      origin,
      extensions,
    });
  }

  /**
   * Takes bytes of the answer. Interim responses such as `103 Early Hints` are skipped (RFC 9110 §15.2); together they may
   * be as long as one head.
   *
   * @param bytes Any number of bytes; not kept, but for {@linkcode leftover}.
   * @returns Whether the head of the final response is complete.
   * @throws {HandshakeError} At the first byte that is at fault; `"too-many-interim"`, `"head-too-large"`.
   */
  push(bytes: Uint8Array): boolean {
    for (let left = bytes;;) {
      const head = this.#parser.push(left);
      this.#size += left.length;
      if (head === undefined) return false;
      left = this.#parser.rest;
      if (head.status === 101 || head.status >= 200) {
        this.#head = head;
        return true;
      }
      const interim = this.#interim;
      interim.size += this.#size - left.length;
      if (interim.size > this.#limits.maxHeadSize!) throw new HandshakeError("head-too-large");
      if (++interim.count > MAX_INTERIM) throw new HandshakeError("too-many-interim");
      this.#size = 0;
      this.#parser = new ResponseHeadParser(this.#limits);
    }
  }

  /**
   * The final response.
   *
   * @throws {TypeError} If it is not complete.
   */
  get head(): ResponseHead {
    if (this.#head === undefined) throw new TypeError("Cannot look at response: its head is not complete");
    return this.#head;
  }

  /** The bytes after the head: the first frames, or a body. */
  get leftover(): Uint8Array {
    return this.#parser.rest;
  }

  /**
   * Checks the answer.
   *
   * @param accept What `acceptKey` makes of {@linkcode key}.
   * @throws {HandshakeError} If the server refuses, or answers wrongly.
   */
  confirm(accept: string): AgreedUpgrade {
    const expected = { accept, protocols: this.#protocols, extensions: this.#compression !== undefined };
    const { protocol, extensions } = checkUpgradeResponse(this.head, expected);
    const agreed = extensions === "" ? undefined : this.#compression?.confirm(extensions);
    if (extensions !== "" && agreed === undefined) throw new HandshakeError("extension-not-offered");
    return { protocol, extensions, deflate: agreed?.start() };
  }
}
