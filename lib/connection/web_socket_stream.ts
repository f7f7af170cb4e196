/**
 * The surface of the WHATWG's WebSocketStream proposal, over an injected dialler.
 *
 * @module
 */

import { parseWebSocketUrl } from "../handshake/websocket_url.ts";
import { wrongType } from "../options/wrong_type.ts";
import type { Bytes } from "../protocol/bytes.ts";
import { type CloseInfo, NORMAL_CLOSURE } from "../protocol/close_payload.ts";
import { readCloseInfo } from "../protocol/interface_close.ts";
import type { Message } from "../protocol/message_assembler.ts";
import type { PreparedMessage } from "../protocol/prepared_message.ts";
import { type ClientPlatform, type ConnectOptions, openConnection } from "./connect.ts";
import { ignorable } from "./deferred.ts";
import type { CloseOptions, WebSocketConnection } from "./web_socket_connection.ts";

/** What a WebSocketStream has once it is open. */
export interface WebSocketOpenInfo {
  /** The messages received. */
  readonly readable: ReadableStream<Message>;
  /** Takes messages to send. */
  readonly writable: WritableStream<string | Bytes | PreparedMessage>;
  /** The extensions that were agreed on; empty if none. */
  readonly extensions: string;
  /** The subprotocol that was agreed on; empty if none. */
  readonly protocol: string;
}

/** A client connection whose opening is a promise beside its closing. */
export interface WebSocketStreamInstance {
  /** Where it connects to. */
  readonly url: string;
  /** Resolves when the connection is open; rejects if it cannot be opened. */
  readonly opened: Promise<WebSocketOpenInfo>;
  /**
   * Resolves with the code and reason of the peer's Close; rejects if the connection could not be opened, failed, or
   * was lost.
   */
  readonly closed: Promise<CloseInfo>;
  /**
   * Starts the closing handshake, or gives up the opening one.
   *
   * @param info `closeCode`: 1000, or 3000 to 4999; `reason`: at most 123 bytes of UTF-8, and the code is then 1000
   *   unless given.
   * @throws {DOMException} `InvalidAccessError` for another code, `SyntaxError` for a longer reason.
   * @throws {TypeError} If `closeCode` is no number from 0 to 65535.
   */
  close(info?: CloseOptions): void;
}

/** Makes a {@linkcode WebSocketStreamInstance}. */
export interface WebSocketStreamConstructor {
  /**
   * Starts to connect.
   *
   * @param url A `ws:` or `wss:` URL.
   * @param options How to connect.
   * @throws {SyntaxError} If the URL is wrong. Options that are wrong reject `opened`.
   * @throws {TypeError} If the options are not an object.
   */
  new (url: string | URL, options?: ConnectOptions): WebSocketStreamInstance;
}

/** Makes the class for a runtime. */
export function webSocketStreamOver(platform: ClientPlatform): WebSocketStreamConstructor {
  return class WebSocketStream extends DialledWebSocketStream {
    constructor(url: string | URL, options?: ConnectOptions) {
      super(platform, url, options);
    }
  };
}

class DialledWebSocketStream implements WebSocketStreamInstance {
  readonly url: string;
  readonly opened: Promise<WebSocketOpenInfo>;
  readonly closed: Promise<CloseInfo>;
  readonly #connecting: Promise<WebSocketConnection>;
  readonly #giveUp = new AbortController();

  constructor(platform: ClientPlatform, url: string | URL, options: ConnectOptions = {}) {
    this.url = parseWebSocketUrl(url).href;
    if (typeof options !== "object" || Array.isArray(options)) {
      throw wrongType("options", "an object", options);
    }
    const { signal } = options ?? {}; // a dictionary may be null (Web IDL §3.2.17)
    const signals = signal === undefined ? [] : [signal];
    this.#connecting = ignorable(
      openConnection(platform, url, {
        ...options,
        signal: AbortSignal.any([...signals, this.#giveUp.signal]),
      }),
    );
    this.opened = ignorable(this.#connecting.then(({ readable, writable, extensions, protocol }) => {
      return { readable, writable, extensions, protocol };
    }));
    this.closed = ignorable(this.#connecting.then((connection) => connection.closed));
  }

  close(info?: CloseOptions): void {
    const { closeCode, reason } = readCloseInfo(info);
    this.#giveUp.abort(new DOMException("Cannot connect: it was closed before it was open", "AbortError"));
    const options = { closeCode: closeCode ?? NORMAL_CLOSURE, reason: reason ?? "" };
    this.#connecting.then((connection) => connection.close(options), () => {});
  }
}
