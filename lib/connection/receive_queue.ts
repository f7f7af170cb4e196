/**
 * Messages that were received and not asked for, or asked for and not received.
 *
 * @module
 */

import type { Message, MessagePart } from "../protocol/message_assembler.ts";
import { MessageInbox } from "../streams/message_inbox.ts";
import { copyBytes } from "../protocol/bytes.ts";
import { Fifo } from "../protocol/fifo.ts";
import { ignorable, rejected } from "./deferred.ts";

/** What a waiting message counts for besides its length, so that empty ones are bounded too. */
const MESSAGE_COST = 64;

type Result = IteratorResult<Message, undefined>;

/** How a message is taken. */
export interface TakeOptions {
  /** Whether it may be a view, to be let go of before more is received. */
  readonly borrow: boolean;
}

/** Takes messages that are its own. */
const OWN: TakeOptions = { borrow: false };

/** What a message that waits counts for. */
function costOf(message: Message): number {
  return message.length + MESSAGE_COST;
}

/** A stream with a queue of its own, into which it takes all messages that wait here. */
export interface Borrower {
  /** Whether somebody reads from the stream. */
  readonly reading: boolean;
  /** How many messages the stream holds that nobody has read. */
  readonly unread: number;
  /** Takes out of the stream what nobody has read, and returns it: nothing while somebody reads from it. */
  giveBack(): Message[];
  /** Fails the stream; returns what nobody has read. */
  fail(error: unknown): Message[];
}

/** Is told what a reader of a {@linkcode ReceiveQueue} does. */
export interface ReadingObserver {
  /** Called when a reader has asked for more, and when it leaves, which does not end anything. */
  asked(): void;
}

/** Takes one message after the other. A class: two closures and what they share take 0.25 KiB more on Node. */
export class MessageIterator implements AsyncIterator<Message, undefined> {
  readonly #queue: ReceiveQueue;
  readonly #observer: ReadingObserver;

  constructor(queue: ReceiveQueue, observer: ReadingObserver) {
    this.#queue = queue;
    this.#observer = observer;
  }

  next(): Promise<Result> {
    const next = this.#queue.next();
    this.#observer.asked();
    return next;
  }

  return(): Promise<Result> {
    this.#queue.leave();
    this.#observer.asked();
    return Promise.resolve({ done: true, value: undefined });
  }
}

/** Somebody who waits. */
class Waiter {
  /** The stream, if it is one: it takes the message out itself. */
  readonly borrower: Borrower | undefined;
  /** Whether it may be given a view. */
  readonly borrows: boolean;
  readonly promise: Promise<Result | undefined>;
  settle!: (result?: Result | Promise<Result>) => void;

  constructor({ borrow }: TakeOptions, borrower?: Borrower) {
    this.borrows = borrow;
    this.borrower = borrower;
    this.promise = new Promise((resolve) => this.settle = resolve);
  }

  /** Whether it is a stream whose reader has left: it need not wait for others, nor they for it. */
  get idle(): boolean {
    return this.borrower?.reading === false;
  }
}

/** A queue between the network and the user: whoever comes first waits for the other. */
export class ReceiveQueue {
  readonly #messages = new Fifo<Message>();
  /** Who waits longest. Seldom is it more than one: a queue for one takes 0.1 KiB more. */
  #waiter: Waiter | undefined;
  #waiters: Fifo<Waiter> | undefined;
  #size = 0;
  /** Who took messages, perhaps more than were read, and what these count for. */
  #borrower: Borrower | undefined;
  #lent = 0;
  /** Whether anybody has ever asked for a message; and whether the last is in the hand of one who has not asked for more. */
  #wasRead = false;
  #inHand = false;
  /** Whether messages may be views: whoever takes one to keep gets a copy. */
  #hasViews = false;
  /** How it ended, once it has; and whether somebody who asked for a message was told. */
  #end: { readonly error?: unknown } | undefined;
  #told = false;
  /** Takes the place of the queue once messages are streamed. */
  #inbox: MessageInbox | undefined;

  /** What the messages count for that nobody has read: their lengths, and a little for each. */
  get unread(): number {
    return this.#inbox?.unread ?? this.#size + this.#lent;
  }

  /** Whether someone waits for a message. */
  get wanted(): boolean {
    if (this.#inbox !== undefined) return this.#inbox.wanted;
    return this.#waiter !== undefined && (!this.#waiter.idle || this.#hasMoreWaiters);
  }

  /**
   * Whether an end that comes now would be next: all messages are taken, and whoever took the last has asked for more or
   * left; or nobody has ever read.
   */
  get exhausted(): boolean {
    if (this.#inbox !== undefined) return this.#inbox.exhausted;
    if (!this.#wasRead || this.wanted) return true;
    if (this.#messages.size > 0 || this.#inHand) return false;
    return this.#borrower === undefined || !(this.#borrower.reading || this.#borrower.unread > 0);
  }

  /** Whether there is something to lend, be it the end. */
  get ready(): boolean {
    return this.#messages.size > 0 || this.#end !== undefined;
  }

  /**
   * Tells whether what is received next may be put in as views: whoever waits lets go of them before more is received, so
   * that no more than one chunk is held by them.
   */
  lendsViews(): boolean {
    const lends = this.#waiter?.borrows === true && this.#messages.size === 0;
    this.#hasViews ||= lends;
    return lends;
  }

  /** Puts a message in, or hands it to whoever waits longest. */
  push(message: Message): void {
    if (this.#inbox !== undefined) return this.#inbox.part({ data: message, first: true, last: true });
    const waiter = this.#nextWaiter();
    if (waiter !== undefined && waiter.borrower === undefined) {
      this.#inHand = true;
      return waiter.settle({ done: false, value: waiter.borrows ? message : this.#own(message) });
    }
    this.#messages.push(message);
    this.#size += costOf(message);
    waiter?.settle();
  }

  /** Takes out a message, if one waits. */
  take(options: TakeOptions = OWN): Message | undefined {
    this.#wasRead = true;
    if (this.#borrower !== undefined) this.#takeBack();
    const message = this.#messages.shift();
    this.#inHand = message !== undefined;
    if (message === undefined) return undefined;
    this.#size -= costOf(message);
    return options.borrow ? message : this.#own(message);
  }

  /** Takes out a message, or waits for one; then for the end: `done`, or the error, once. */
  next(options: TakeOptions = OWN): Promise<Result> {
    const message = this.take(options);
    if (message !== undefined) return Promise.resolve({ done: false, value: message });
    if (this.#end === undefined) return this.#wait(new Waiter(options)) as Promise<Result>;
    if (this.#told || !("error" in this.#end)) return Promise.resolve({ done: true, value: undefined });
    this.#told = true;
    return rejected(this.#end.error);
  }

  /** Records that whoever took the last message asks for no more. */
  leave(): void {
    this.#inHand = false;
  }

  /** Waits until something is {@linkcode ReceiveQueue.ready}; somebody else may be quicker to take it. */
  arrival(borrower: Borrower): Promise<unknown> {
    this.#wasRead = true;
    this.#lent = 0;
    return this.#wait(new Waiter(OWN, borrower));
  }

  /**
   * Takes out all messages that wait. All but the first count as unread until it is asked for more, and may be asked back.
   *
   * @returns `undefined` at the end.
   * @throws What the queue ended with.
   */
  lend(borrower: Borrower): Message[] | undefined {
    this.#wasRead = true;
    const messages = this.#messages.takeAll();
    if (this.#hasViews) messages.forEach((message, i) => messages[i] = this.#own(message));
    if (messages.length === 0) {
      this.#lent = 0;
      if ("error" in this.#end!) throw this.#end.error;
      return undefined;
    }
    this.#borrower = borrower;
    this.#lent = this.#size - (borrower.reading ? costOf(messages[0]!) : 0);
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
    const error = new TypeError("Cannot receive a whole message: messages are streamed");
    const inbox = new MessageInbox(onTaken);
    const lent = this.#borrower?.fail(error) ?? [];
    for (const data of [...lent, ...this.#messages.takeAll()]) inbox.part({ data, first: true, last: true });
    if (this.#end !== undefined) inbox.end(this.#told ? {} : this.#end);
    this.#told = false;
    this.end({ error });
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
    this.#end = end;
    for (let waiter = this.#nextWaiter(); waiter !== undefined; waiter = this.#nextWaiter()) {
      if (waiter.borrower !== undefined) {
        waiter.settle();
        continue;
      }
      this.#told = true;
      ignorable(waiter.promise);
      waiter.settle("error" in end ? Promise.reject(end.error) : { done: true, value: undefined });
    }
  }

  /** Returns a message as it may be given away. */
  #own(message: Message): Message {
    if (!this.#hasViews || typeof message === "string") return message;
    return message.length === message.buffer.byteLength ? message : copyBytes(message);
  }

  /** Asks back what was lent and not read: it comes before all others. */
  #takeBack(): void {
    const back = this.#borrower!.giveBack();
    if (back.length === 0) return;
    const newer = this.#messages.takeAll();
    for (const message of [...back, ...newer]) this.#messages.push(message);
    for (const message of back) this.#size += costOf(message);
    this.#lent = 0;
  }

  #wait(waiter: Waiter): Promise<Result | undefined> {
    if (this.#waiter === undefined) this.#waiter = waiter;
    else (this.#waiters ??= new Fifo()).push(waiter);
    return waiter.promise;
  }

  get #hasMoreWaiters(): boolean {
    return this.#waiters !== undefined && this.#waiters.size > 0;
  }

  #nextWaiter(): Waiter | undefined {
    const waiter = this.#waiter;
    if (waiter?.idle && this.#hasMoreWaiters) return this.#waiters!.shift();
    this.#waiter = this.#waiters?.shift();
    return waiter;
  }
}
