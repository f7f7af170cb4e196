/**
 * Messages that were received and not asked for, or asked for and not received.
 *
 * @module
 */

import type { Message, MessagePart } from "../protocol/message_assembler.ts";
import { MessageInbox } from "../streams/message_inbox.ts";
import { Fifo } from "../protocol/fifo.ts";

/** What a waiting message counts for besides its length, so that empty ones are bounded too. */
const MESSAGE_COST = 64;

/** Settles what somebody waits for; with a promise that rejects, too. */
type Waiter = (
  result: IteratorResult<Message, undefined> | Promise<IteratorResult<Message, undefined>>,
) => void;

/** A queue between the network and the user: whoever comes first waits for the other. */
export class ReceiveQueue {
  readonly #messages = new Fifo<Message>();
  /** Who waits longest. Seldom is it more than one: a queue for one takes 0.1 KiB more. */
  #waiter: Waiter | undefined;
  #waiters: Fifo<Waiter> | undefined;
  #size = 0;
  /** What counts as unread although it was handed out. */
  #lent = 0;
  #ended = false;
  /** What the queue fails with behind its last message, once. */
  #failure: { readonly error: unknown } | undefined;
  /** Takes the place of the queue once messages are streamed. */
  #inbox: MessageInbox | undefined;

  /** What the messages count for that nobody has read: their lengths, and a little for each. */
  get unread(): number {
    return this.#inbox?.unread ?? this.#size + this.#lent;
  }

  /** Tells whether a part of a streamed message that nobody has read lies in some memory. */
  holds(memory: ArrayBufferLike): boolean {
    return this.#inbox!.holds(memory);
  }

  /** Whether someone waits for a message. */
  get wanted(): boolean {
    return this.#inbox?.wanted ?? this.#waiter !== undefined;
  }

  /** Whether {@linkcode ReceiveQueue.end} has been called. */
  get ended(): boolean {
    return this.#ended;
  }

  /** Puts a message in, or hands it to whoever waits longest. */
  push(message: Message): void {
    const waiter = this.#nextWaiter();
    if (waiter !== undefined) return waiter({ done: false, value: message });
    this.#messages.push(message);
    this.#size += message.length + MESSAGE_COST;
  }

  /** Takes out a message, or waits for one; then for the end: `done`, or the error, once. */
  next(): Promise<IteratorResult<Message, undefined>> {
    this.#lent = 0;
    const message = this.#take();
    if (message !== undefined) return Promise.resolve({ done: false, value: message });
    if (!this.#ended) return new Promise((resolve) => this.#wait(resolve));
    const failure = this.#failure;
    this.#failure = undefined;
    if (failure !== undefined) return Promise.reject(failure.error);
    return Promise.resolve({ done: true, value: undefined });
  }

  /** Takes out all messages that wait, for another queue. They count as unread until the next message is asked for. */
  lend(): Message[] {
    const messages = this.#messages.takeAll();
    this.#lent = this.#size;
    this.#size = 0;
    return messages;
  }

  /**
   * Streams messages from now on, those first that wait here. Who asks for a whole one is refused, once.
   *
   * @param onTaken Hears that something was read, or is waited for.
   * @throws {TypeError} If somebody waits for a whole one.
   */
  stream(onTaken: () => void): MessageInbox {
    if (this.#inbox !== undefined) return this.#inbox;
    if (this.wanted) throw new TypeError("Cannot stream messages: a whole one is waited for");
    const inbox = new MessageInbox(onTaken);
    for (const data of this.#messages.takeAll()) inbox.part({ data, first: true, last: true });
    if (this.#ended) inbox.end(this.#failure ?? {});
    this.end({ error: new TypeError("Cannot receive a whole message: messages are streamed") });
    return this.#inbox = inbox;
  }

  /** Puts a part of a message in, once messages are streamed. */
  part(part: MessagePart): void {
    this.#inbox!.part(part);
  }

  /**
   * Ends the queue behind what it holds.
   *
   * @param end `error`: what it fails with; without one it is just over.
   */
  end(end: { readonly error?: unknown }): void {
    if (this.#inbox !== undefined) return this.#inbox.end(end);
    this.#ended = true;
    const failed = "error" in end;
    if (failed && this.#waiter === undefined) this.#failure = { error: end.error };
    for (let settle = this.#nextWaiter(); settle !== undefined; settle = this.#nextWaiter()) {
      settle(failed ? Promise.reject(end.error) : { done: true, value: undefined });
    }
  }

  #wait(waiter: Waiter): void {
    if (this.#waiter === undefined) this.#waiter = waiter;
    else (this.#waiters ??= new Fifo()).push(waiter);
  }

  #nextWaiter(): Waiter | undefined {
    const waiter = this.#waiter;
    this.#waiter = this.#waiters?.shift();
    return waiter;
  }

  #take(): Message | undefined {
    const message = this.#messages.shift();
    if (message !== undefined) this.#size -= message.length + MESSAGE_COST;
    return message;
  }
}
