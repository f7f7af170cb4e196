/**
 * Messages that are handed out at their first bytes, one after the other.
 *
 * @module
 */

import { WebSocketError } from "../errors.ts";
import { Fifo } from "../protocol/fifo.ts";
import type { MessagePart } from "../protocol/message_assembler.ts";
import { type IncomingMessage, StreamedMessage } from "./incoming_message.ts";

/** What a message that waits counts for besides its parts: an empty one is kept like any other. */
const MESSAGE_COST = 128;

/** Parts go in, messages come out: whoever comes first waits for the other. */
export class MessageInbox implements AsyncIterable<IncomingMessage, undefined> {
  /** The messages that nobody has asked for. */
  readonly #messages = new Fifo<StreamedMessage>();
  readonly #onTaken: () => void;
  /** The message that was handed out last. */
  #current: StreamedMessage | undefined;
  /** The message that has not come to its end. */
  #open: StreamedMessage | undefined;
  /** What the messages count for that wait behind the current one. */
  #waiting = 0;
  #end: { readonly error?: unknown } | undefined;
  /** Whether the current one is in somebody's hand, who has neither asked for the next nor left. */
  #inHand = false;
  /** Ends the wait for a message. */
  #wake: (() => void) | undefined;
  /** What those who ask wait for: their turn. */
  #turn: Promise<unknown> = Promise.resolve();

  /**
   * Makes an empty inbox.
   *
   * @param onTaken Hears that something was read, or is waited for.
   */
  constructor(onTaken: () => void) {
    this.#onTaken = onTaken;
  }

  /** What everything counts for that nobody has read: its length, and a little for each part and each message. */
  get unread(): number {
    return this.#waiting + (this.#current?.unread ?? 0);
  }

  /** Whether somebody waits for a message, or for a part of one. */
  get wanted(): boolean {
    return this.#wake !== undefined || this.#current?.wanted === true;
  }

  /** Whether an end that comes now would be next: everything is read, and more is waited for, or nobody is reading. */
  get exhausted(): boolean {
    return this.wanted || (this.unread === 0 && !this.#inHand);
  }

  /** Puts a part in. */
  part(part: MessagePart): void {
    const { data, first, last } = part;
    if (first) {
      const type = typeof data === "string" ? "text" : "binary";
      this.#open = new StreamedMessage(type, this.#onTaken);
      this.#messages.push(this.#open);
      this.#waiting += MESSAGE_COST;
      this.#wakeAsker();
    }
    const message = this.#open!;
    const before = message.unread;
    message.push(part);
    if (message !== this.#current) this.#waiting += message.unread - before;
    if (!last) return;
    message.end({});
    this.#open = undefined;
  }

  [Symbol.asyncIterator](): AsyncIterator<IncomingMessage, undefined> {
    return {
      next: () => this.next(),
      // Leaving the loop does not end anything.
      return: () => {
        this.#inHand = false;
        this.#onTaken();
        return Promise.resolve({ done: true, value: undefined });
      },
    };
  }

  /**
   * Waits for the next message, at its first bytes; then for the end: `done`, or the error, once.
   *
   * If the message before was not read to its end, it is waited for as long as its `readable` is locked; if it is not,
   * what is left of it is thrown away.
   */
  next(): Promise<IteratorResult<IncomingMessage, undefined>> {
    this.#inHand = false;
    const next = this.#turn.then(() => this.#next());
    this.#turn = next.catch(() => {});
    return next;
  }

  /**
   * Ends it behind what was put in. A message that is not complete fails.
   *
   * @param end `error`: what it fails with; without one it is just over.
   */
  end(end: { readonly error?: unknown }): void {
    this.#end = end;
    this.#open?.end({ error: "error" in end ? end.error : new WebSocketError("message-cut") });
    this.#open = undefined;
    this.#wakeAsker();
  }

  async #next(): Promise<IteratorResult<IncomingMessage, undefined>> {
    await this.#current?.over();
    while (this.#messages.size === 0 && this.#end === undefined) {
      const come = new Promise<void>((resolve) => this.#wake = resolve);
      this.#onTaken();
      await come;
    }
    const message = this.#messages.shift();
    this.#current = message;
    if (message !== undefined) {
      this.#inHand = true;
      this.#waiting -= message.unread + MESSAGE_COST;
      return { done: false, value: message };
    }
    const end = this.#end!;
    this.#end = {};
    if ("error" in end) throw end.error;
    return { done: true, value: undefined };
  }

  #wakeAsker(): void {
    this.#wake?.();
    this.#wake = undefined;
  }
}
