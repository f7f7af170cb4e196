/**
 * The browser's WebSocket interface, over a connection that is open.
 *
 * @module
 */

import { checkOptions, type OptionTable } from "../options/option_table.ts";
import { wrongType } from "../options/wrong_type.ts";
import { type Bytes, copyBytes } from "../protocol/bytes.ts";
import { NORMAL_CLOSURE } from "../protocol/close_payload.ts";
import { checkInterfaceClose, clampToUnsignedShort, toUsvString } from "../protocol/interface_close.ts";
import type { Message } from "../protocol/message_assembler.ts";
import { type CloseDetails, makeCloseEvent, type WebSocketCloseEvent } from "./close_event.ts";
import { ignore } from "./deferred.ts";
import type { EndHolder } from "./close_state.ts";
import { queueTask } from "./task.ts";
import type { WebSocketConnection } from "./web_socket_connection.ts";

export type { WebSocketCloseEvent } from "./close_event.ts";

/** The events of a {@linkcode WebSocketLike}, by name. */
export interface WebSocketEvents {
  /** It is open. */
  open: Event;
  /** A message has come: a string, or bytes in the form that `binaryType` says. */
  message: MessageEvent;
  /** The connection failed or was lost; `close` follows, and `closed` of the connection says why. */
  error: Event;
  /** It is over. */
  close: WebSocketCloseEvent;
}

/** What browsers call a WebSocket, as the WHATWG's standard has it. */
export interface WebSocketLike extends EventTarget {
  /** 0. */
  readonly CONNECTING: 0;
  /** 1. */
  readonly OPEN: 1;
  /** 2. */
  readonly CLOSING: 2;
  /** 3. */
  readonly CLOSED: 3;
  /** Where it is connected to, if that was given. */
  readonly url: string;
  /** The subprotocol that was agreed on; empty if none. */
  readonly protocol: string;
  /** The extensions that were agreed on; empty if none. */
  readonly extensions: string;
  /** One of the four constants. */
  readonly readyState: 0 | 1 | 2 | 3;
  /** The bytes that wait to be sent, with their frame headers, and all that `send` took when it was too late. */
  readonly bufferedAmount: number;
  /** The form of binary messages; any other value is ignored. @default {"blob"} */
  binaryType: "blob" | "arraybuffer";
  /** Called with `open`. */
  onopen: ((event: WebSocketEvents["open"]) => unknown) | null;
  /** Called with `message`. */
  onmessage: ((event: WebSocketEvents["message"]) => unknown) | null;
  /** Called with `error`. */
  onerror: ((event: WebSocketEvents["error"]) => unknown) | null;
  /** Called with `close`. */
  onclose: ((event: WebSocketEvents["close"]) => unknown) | null;
  /**
   * Sends a message. What is neither bytes nor a Blob goes out as the text that `String(data)` makes of it.
   *
   * @throws {DOMException} `InvalidStateError` before `open`.
   */
  send(data: string | Bytes | Blob): void;
  /**
   * Starts the closing handshake.
   *
   * @param code 1000, or 3000 to 4999; 1000 is sent if there is none.
   * @param reason At most 123 bytes of UTF-8.
   * @throws {DOMException} `InvalidAccessError` for another code, `SyntaxError` for a longer reason.
   */
  close(code?: number, reason?: string): void;
}

/** Sets what a connection does not know of itself. */
export interface ToWebSocketOptions {
  /** What `url` shall be. @default {""} */
  url?: string | URL;
}

const toWebSocketTable: OptionTable<ToWebSocketOptions> = {
  url: (value, name) => {
    if (typeof value !== "string" && !(value instanceof URL)) {
      throw wrongType(name, "a string or a URL", value);
    }
  },
};

/**
 * Gives a connection the interface of a browser's WebSocket, for libraries that expect one.
 *
 * Its `readyState` is 0 until the code that runs now has come to its end, then 1, and `open` is dispatched. From then on
 * the messages are its own: nobody else gets one. Each event is a task of the event loop: all microtasks of its
 * listeners run before the next. A handler of `serve` that hands it on returns `socket.closed`.
 *
 * The interface has no backpressure, which is what `readable` and `for await` are for: messages are dispatched as they
 * come, however long a listener takes over the last, and `send` tells in `bufferedAmount` alone that the peer is slow.
 *
 * @param connection The connection, of which nothing was read yet.
 * @param options What else is to be set.
 *
 * @example graphql-ws, on any runtime
 * ```ts ignore
 * const handle = makeHandler({ schema }); // from "graphql-ws/use/deno"
 * await serve({ port: 4000, protocols: ["graphql-transport-ws"] }, (socket) => {
 *   handle(toWebSocket(socket));
 *   return socket.closed;
 * });
 * ```
 */
export function toWebSocket(
  connection: WebSocketConnection,
  options: ToWebSocketOptions = {},
): WebSocketLike {
  checkOptions("options", options, toWebSocketTable, '{ url: "wss://example.com/" }');
  return new WebSocketFace(connection, options);
}

const [CONNECTING, OPEN, CLOSING, CLOSED] = [0, 1, 2, 3] as const;

type EventName = keyof WebSocketEvents;
type Handler<Name extends EventName> = ((event: WebSocketEvents[Name]) => unknown) | null;

class WebSocketFace extends EventTarget implements WebSocketLike {
  readonly CONNECTING = CONNECTING;
  readonly OPEN = OPEN;
  readonly CLOSING = CLOSING;
  readonly CLOSED = CLOSED;
  readonly url: string;

  readonly #connection: WebSocketConnection & Partial<EndHolder>;
  /** What the messages come from. */
  readonly #origin: string;
  readonly #handlers = new Map<string, object>();
  readonly #callHandler = (event: { readonly type: string }) => {
    const handler = this.#handlers.get(event.type);
    if (typeof handler === "function") handler.call(this, event);
  };
  #readyState: 0 | 1 | 2 | 3 = CONNECTING;
  #binaryType: "blob" | "arraybuffer" = "blob";
  /** How many tasks are queued. */
  #tasks = 0;
  /** The bytes that wait for a Blob to be read, or came too late. */
  #held = 0;
  /** Settles when all Blobs are read, and what came behind them is sent; `undefined` if there is none. */
  #blobs: Promise<void> | undefined;

  constructor(connection: WebSocketConnection, { url = "" }: ToWebSocketOptions) {
    super();
    this.url = `${url}`;
    this.#origin = URL.canParse(this.url) ? new URL(this.url).origin : "";
    this.#connection = connection;
    this.#run();
  }

  get protocol(): string {
    return this.#connection.protocol;
  }

  get extensions(): string {
    return this.#connection.extensions;
  }

  get readyState(): 0 | 1 | 2 | 3 {
    return this.#readyState;
  }

  get bufferedAmount(): number {
    return this.#connection.bufferedAmount + this.#held;
  }

  get binaryType(): "blob" | "arraybuffer" {
    return this.#binaryType;
  }

  set binaryType(type: "blob" | "arraybuffer") {
    if (type === "blob" || type === "arraybuffer") this.#binaryType = type;
  }

  get onopen(): Handler<"open"> {
    return this.#handlerOf("open");
  }

  set onopen(handler: Handler<"open">) {
    this.#handle("open", handler);
  }

  get onmessage(): Handler<"message"> {
    return this.#handlerOf("message");
  }

  set onmessage(handler: Handler<"message">) {
    this.#handle("message", handler);
  }

  get onerror(): Handler<"error"> {
    return this.#handlerOf("error");
  }

  set onerror(handler: Handler<"error">) {
    this.#handle("error", handler);
  }

  get onclose(): Handler<"close"> {
    return this.#handlerOf("close");
  }

  set onclose(handler: Handler<"close">) {
    this.#handle("close", handler);
  }

  send(data: string | Bytes | Blob): void {
    if (this.#readyState === CONNECTING) {
      throw new DOMException("Cannot send: the connection is not open yet", "InvalidStateError");
    }
    const message = isBinary(data) ? data : toUsvString(data);
    const open = this.#readyState === OPEN;
    if (open && this.#blobs === undefined && !(message instanceof Blob)) {
      this.#connection.send(message);
      return;
    }
    const size = sizeOf(message);
    this.#held += size;
    if (!open) return;
    // The caller's bytes are its own again when this returns.
    const held = message instanceof Blob ? message.arrayBuffer() : ownCopy(message);
    this.#behindBlobs(async () => {
      this.#connection.send(await held);
      this.#held -= size;
    });
  }

  close(code?: number, reason?: string): void {
    const closeCode = code === undefined ? undefined : clampToUnsignedShort(code);
    const words = reason === undefined ? undefined : toUsvString(reason);
    checkInterfaceClose({ closeCode, reason: words });
    if (this.#readyState >= CLOSING) return;
    this.#readyState = CLOSING;
    const close = () =>
      this.#connection.close({ closeCode: closeCode ?? NORMAL_CLOSURE, reason: words ?? "" });
    if (this.#blobs === undefined) close();
    else this.#behindBlobs(close);
  }

  /** Dispatches all that happens, each event in a task of its own. */
  async #run(): Promise<void> {
    this.#queue(() => this.#open());
    // `closed` tells of a failure, too.
    await this.#queueMessages().catch(ignore);
    const end = await this.#connection.closed.then(
      ({ closeCode, reason }) => ({ code: closeCode, reason, wasClean: true }),
      () => ({ code: 1006, reason: "", wasClean: false }),
    );
    this.#inTask(() => this.#end(end));
  }

  /** Dispatches at once if a task has begun since the last event, or else in a task behind those that wait. */
  #inTask(dispatch: () => void): void {
    if (this.#tasks > 0) return this.#queue(dispatch);
    this.#queue(ignore); // until then this is the event's own task
    dispatch();
  }

  #queue(dispatch: () => void): void {
    this.#tasks++;
    queueTask(() => {
      this.#tasks--;
      dispatch();
    });
  }

  #open(): void {
    if (this.#readyState !== CONNECTING) return;
    this.#readyState = OPEN;
    this.dispatchEvent(new Event("open"));
  }

  /** Messages that are here already get their tasks together: then what they are answered with goes out as one write. */
  async #queueMessages(): Promise<void> {
    for await (const message of this.#connection) this.#inTask(() => this.#receive(message));
  }

  #receive(message: Message): void {
    if (this.#readyState !== OPEN) return;
    this.dispatchEvent(new MessageEvent("message", { data: this.#dataOf(message), origin: this.#origin }));
  }

  #end(end: CloseDetails): void {
    this.#readyState = CLOSED;
    if (!end.wasClean) this.dispatchEvent(new Event("error"));
    this.dispatchEvent(makeCloseEvent(end));
  }

  #dataOf(message: Message): string | Blob | ArrayBufferLike {
    if (typeof message === "string") return message;
    if (this.#binaryType === "blob") return new Blob([message as Uint8Array<ArrayBuffer>]);
    const { buffer } = message;
    return message.length === buffer.byteLength ? buffer : copyBytes(message).buffer;
  }

  /** Does something when the Blobs before it are read; one that cannot be read ends the connection. */
  #behindBlobs(action: () => unknown): void {
    this.#connection.holdEnd?.();
    const done = (this.#blobs ?? Promise.resolve()).then(action)
      .catch((error) => this.#connection.abort(error))
      .then(() => {
        this.#connection.releaseEnd?.();
        if (this.#blobs === done) this.#blobs = undefined;
      });
    this.#blobs = done;
  }

  #handlerOf<Name extends EventName>(name: Name): Handler<Name> {
    return this.#handlers.get(name) as Handler<Name> | undefined ?? null;
  }

  #handle<Name extends EventName>(name: Name, handler: Handler<Name>): void {
    // Any object counts as a handler; one that is no function is never called.
    if (typeof handler === "function" || (typeof handler === "object" && handler !== null)) {
      this.addEventListener(name, this.#callHandler);
      this.#handlers.set(name, handler);
    } else {
      this.removeEventListener(name, this.#callHandler);
      this.#handlers.delete(name);
    }
  }
}

function isBinary(data: unknown): data is Bytes | Blob {
  return data instanceof ArrayBuffer || ArrayBuffer.isView(data) || data instanceof Blob;
}

function ownCopy(message: string | Bytes): string | Bytes {
  return typeof message === "string" ? message : copyBytes(message);
}

function sizeOf(message: string | Bytes | Blob): number {
  if (typeof message === "string") return new TextEncoder().encode(message).length;
  return message instanceof Blob ? message.size : message.byteLength;
}
