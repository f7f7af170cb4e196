/**
 * A message that is read while it comes.
 *
 * @module
 */

import { ByteCollector } from "../protocol/byte_collector.ts";
import { copyBytes } from "../protocol/bytes.ts";
import { Fifo } from "../protocol/fifo.ts";
import type { Message, MessagePart } from "../protocol/message_assembler.ts";

/** A message, from its first bytes on. Its content can be had once, by one of `readable`, `text` and `bytes`. */
export interface IncomingMessage {
  /** Whether it is text or bytes. */
  readonly type: "text" | "binary";
  /**
   * The content as it comes: strings, cut between two code points, if it is text, else bytes that are the reader's own.
   * It fails with a `WebSocketError` where the message does, and with a `TypeError` if it was thrown away, the next message
   * having been asked for. To cancel it throws the rest of the message away.
   *
   * Bytes come from a byte stream: a reader with `mode: "byob"` gets them in its own memory. That leaves no garbage,
   * where else V8 collects after each 64 MiB.
   */
  readonly readable: ReadableStream<string | Uint8Array>;
  /**
   * Collects the whole message as text; bytes are taken for UTF-8, U+FFFD standing for what is none. Rejects with a
   * `TypeError` if anything of the message was read before.
   */
  text(): Promise<string>;
  /** Collects the whole message as bytes; a text as UTF-8. Rejects with a `TypeError` if anything of it was read before. */
  bytes(): Promise<Uint8Array>;
}

/** What a part that waits counts for besides its length. */
const PART_COST = 128;

/** How long to wait before it is looked again whether the reader has left, in milliseconds. */
const MIN_PAUSE = 10;
const MAX_PAUSE = 1_000;

const USED = "Cannot read message: its content was read or cancelled before, or is being read";

/** Where parts are enqueued: bytes go to a byte stream, whose reader may bring memory of its own. */
type Controller = ReadableStreamDefaultController<Message> | ReadableByteStreamController;

/**
 * Implements {@linkcode IncomingMessage}: parts go in as they come, and wait until they are read.
 *
 * What a stream is given may run the user's code before the call returns: a stream pulls again at once, and on Deno a pipe
 * writes at once. So parts are never given from inside of `push` or `end`, and everything is noted before they are.
 */
export class StreamedMessage implements IncomingMessage {
  readonly type: "text" | "binary";
  readonly #parts = new Fifo<MessagePart>();
  readonly #onTaken: () => void;
  /** The part that is being read, or what is left of it: the memory that a reader brings may be too little for all of it. */
  #current: MessagePart | undefined;
  #unread = 0;
  #readable: ReadableStream<Message> | undefined;
  #controller: Controller | undefined;
  /** Where somebody waits for a part. */
  #waiting: Controller | undefined;
  /** Whether the one that waits will be served in a moment. */
  #serving = false;
  /** How it ended, once it has. */
  #end: { readonly error?: unknown } | undefined;
  #discarded = false;
  /** Whether anything of it was read, or it was cancelled. */
  #used = false;
  /** Ends the wait for the reader. */
  #settle: (() => void) | undefined;

  /**
   * Begins a message.
   *
   * @param type What it is made of.
   * @param onTaken Hears that a part was read, or is waited for.
   */
  constructor(type: "text" | "binary", onTaken: () => void) {
    this.type = type;
    this.#onTaken = onTaken;
  }

  /** What the parts count for that nobody has read. */
  get unread(): number {
    return this.#unread;
  }

  /** Whether somebody waits for a part that has not come. */
  get wanted(): boolean {
    return this.#waiting !== undefined && this.#unread === 0 && this.#end === undefined;
  }

  get readable(): ReadableStream<Message> {
    return this.#readable ??= this.#makeReadable();
  }

  text(): Promise<string> {
    return this.#readWhole(this.type === "binary" ? decodeAll : joinAll);
  }

  bytes(): Promise<Uint8Array> {
    return this.#readWhole(gatherAll);
  }

  /** Puts a part in. Its memory is given back once it is read, or thrown away. */
  push(part: MessagePart): void {
    if (part.data.length === 0 || this.#discarded) return part.lender?.giveBack();
    this.#parts.push(part);
    this.#unread += part.data.length + PART_COST;
    this.#serveSoon();
  }

  /** Ends it behind what was put in; `error`: what it fails with. */
  end(end: { readonly error?: unknown }): void {
    if (this.#discarded) return;
    this.#end = end;
    this.#serveSoon();
    this.#settleIfRead();
  }

  /** Waits until all of it is read; when nobody is reading, throws the rest away. */
  async over(): Promise<void> {
    for (let pause = MIN_PAUSE; !this.#isRead; pause = Math.min(2 * pause, MAX_PAUSE)) {
      if (!this.#readable?.locked) return this.#throwAway();
      await this.#untilRead(pause);
    }
  }

  /** Waits until all of it is read, or for some time: a stream tells nobody that its reader has left. */
  #untilRead(time: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, time);
      if (typeof timer === "object") timer.unref?.();
      this.#settle = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  #throwAway(): void {
    const error = new TypeError("Cannot read message: it was thrown away when the next one was asked for");
    this.#discard({ error });
    this.#controller?.error(error);
  }

  /** Drops what there is, and what still comes. */
  #discard(end: { readonly error?: unknown }): void {
    this.#discarded = true;
    this.#end = end;
    this.#current?.lender?.giveBack();
    for (const { lender } of this.#parts.takeAll()) lender?.giveBack();
    this.#current = this.#waiting = undefined;
    this.#unread = 0;
    this.#settle?.();
    this.#onTaken();
  }

  /** Reads all of it, unless something of it was read before; that need not be looked at. */
  #readWhole<T>(read: (content: ReadableStream<Message>) => Promise<T>): Promise<T> {
    const used = this.#used || this.readable.locked;
    const whole = used ? Promise.reject<T>(new TypeError(USED)) : read(this.readable);
    whole.catch(() => {});
    return whole;
  }

  get #isRead(): boolean {
    return this.#end !== undefined && this.#unread === 0;
  }

  /** Its mark is 0, so that it takes nothing before someone reads. */
  #makeReadable(): ReadableStream<Message> {
    const start = (controller: Controller) => void (this.#controller = controller);
    const pull = (controller: Controller) => {
      this.#used = true;
      this.#waiting = controller;
      this.#serve();
      this.#onTaken();
    };
    const cancel = () => {
      this.#used = true;
      this.#discard({});
    };
    if (this.type === "text") {
      return new ReadableStream<Message>({ start, pull, cancel }, { highWaterMark: 0 });
    }
    return new ReadableStream({ type: "bytes", start, pull, cancel }, { highWaterMark: 0 });
  }

  #serveSoon(): void {
    if (this.#waiting === undefined || this.#serving) return;
    this.#serving = true;
    queueMicrotask(() => {
      this.#serving = false;
      this.#serve();
    });
  }

  /** Gives the first part, or the end, to who waits. */
  #serve(): void {
    const controller = this.#waiting;
    if (controller === undefined) return;
    const part = this.#current ??= this.#parts.shift();
    if (part === undefined && this.#end === undefined) return;
    this.#waiting = undefined;
    try {
      if (part === undefined) finish(controller, this.#end!);
      else if (typeof part.data === "string") this.#enqueue(controller, part.data);
      else this.#fill(controller as ReadableByteStreamController, part.data);
    } catch (error) {
      // There is no memory for a copy, or the reader wants whole units and the message ends in the middle of one.
      controller.error(error);
      this.#discard({ error });
    }
    this.#settleIfRead();
  }

  /** Copies bytes to the memory that a reader brought, as many as go in, or else to memory of their own. */
  #fill(controller: ReadableByteStreamController, bytes: Uint8Array): void {
    const request = controller.byobRequest;
    const view = request?.view;
    if (!view) return this.#enqueue(controller, copyBytes(bytes));
    const size = Math.min(view.byteLength, bytes.length);
    new Uint8Array(view.buffer, view.byteOffset).set(bytes.subarray(0, size));
    this.#take(size);
    request!.respond(size);
  }

  /** Enqueues the current part: a string, or a copy of its bytes. */
  #enqueue(controller: Controller, data: Message): void {
    this.#take(data.length);
    (controller as ReadableStreamDefaultController<Message>).enqueue(data);
  }

  /** Takes so much of the current part. */
  #take(size: number): void {
    const part = this.#current!;
    this.#unread -= size;
    if (size < part.data.length) {
      this.#current = { ...part, data: (part.data as Uint8Array).subarray(size) };
    } else {
      this.#current = undefined;
      this.#unread -= PART_COST;
      part.lender?.giveBack();
    }
  }

  #settleIfRead(): void {
    if (this.#isRead) this.#settle?.();
  }
}

async function joinAll(content: ReadableStream<Message>): Promise<string> {
  let text = "";
  for await (const part of content) text += part;
  return text;
}

async function gatherAll(content: ReadableStream<Message>): Promise<Uint8Array> {
  const collector = new ByteCollector();
  const encoder = new TextEncoder();
  for await (const part of content) {
    collector.append(typeof part === "string" ? encoder.encode(part) : part);
  }
  return collector.take();
}

async function decodeAll(content: ReadableStream<Message>): Promise<string> {
  const bytes = await gatherAll(content);
  const text = new TextDecoder().decode(bytes);
  // Bun 1.4 makes an empty string of 2 GiB. Of three bytes that may be right: a mark of the byte order.
  if (text === "" && bytes.length > 3) throw new RangeError("Cannot read message: no string is that long");
  return text;
}

function finish(controller: Controller, end: { readonly error?: unknown }): void {
  if ("error" in end) return controller.error(end.error);
  controller.close();
  // A reader that brought memory gets it back.
  if ("byobRequest" in controller) controller.byobRequest?.respond(0);
}
