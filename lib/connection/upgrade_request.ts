/**
 * A client's request for a WebSocket, as a server sees it before and after it is accepted.
 *
 * @module
 */

import { HandshakeError } from "../errors.ts";
import type { RequestHead } from "../handshake/head_parser.ts";
import type { HeaderFields } from "../handshake/header_fields.ts";
import type { UpgradeOffer } from "../handshake/server_handshake.ts";
import type { ByteChannel } from "./byte_channel.ts";
import type { RemoteAddress } from "./transport.ts";

/** The request that asked for a connection. */
export interface UpgradeRequest<C = undefined> {
  /** `"GET"`. */
  readonly method: string;
  /** The URL asked for, as `http:` or `https:`; host and port are what the client says they are. A new one each time. */
  readonly url: URL;
  /** The headers, as they were sent. */
  readonly headers: Headers;
  /** The subprotocols that the client offers, in its order. */
  readonly protocols: readonly string[];
  /** Where the client is; `undefined` where the stream cannot tell. */
  readonly remoteAddress: RemoteAddress | undefined;
  /** Whether it came through TLS. */
  readonly secure: boolean;
  /** Aborted once the client is gone. */
  readonly signal: AbortSignal;
  /** What `authorize` returned. */
  readonly context: C;
}

/** Implements {@linkcode UpgradeRequest}; the parts that cost something are made when they are asked for. */
export class IncomingUpgrade<C> implements UpgradeRequest<C> {
  readonly method: string;
  readonly protocols: readonly string[];
  readonly remoteAddress: RemoteAddress | undefined;
  readonly secure: boolean;
  /** What `authorize` returned; set before a user sees it. */
  context!: C;
  readonly #fields: HeaderFields;
  readonly #href: string;
  #headers: Headers | undefined;
  #controller: AbortController | undefined;
  #left = false;
  #reason: HandshakeError | undefined;

  constructor(channel: ByteChannel, head: RequestHead, href: string, offer: UpgradeOffer) {
    this.method = head.method;
    this.protocols = offer.protocols;
    this.remoteAddress = channel.transport.remoteAddress;
    this.secure = channel.transport.secure;
    this.#fields = head.headers;
    this.#href = href;
  }

  get url(): URL {
    return new URL(this.#href);
  }

  get headers(): Headers {
    return this.#headers ??= this.#fields.toHeaders();
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#left) this.leave();
    }
    return this.#controller.signal;
  }

  /** Makes ready for being kept as long as the connection. */
  pack(): void {
    this.#fields.pack();
  }

  /** Takes note that the client is gone. */
  leave(reason?: HandshakeError): void {
    this.#left = true;
    this.#reason ??= reason;
    this.#controller?.abort(this.#reason ?? new HandshakeError("ended"));
  }
}
