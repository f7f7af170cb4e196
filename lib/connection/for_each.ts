/**
 * Calling a function with each message, one after the other.
 *
 * @module
 */

import { aBoolean } from "../options/checks.ts";
import type { OptionTable } from "../options/option_table.ts";
import type { Message } from "../protocol/message_assembler.ts";
import type { ReceiveQueue, TakeOptions } from "./receive_queue.ts";
import { queueTask } from "./task.ts";

/** How messages are handed to the function. */
export interface ForEachOptions {
  /**
   * Whether binary messages are lent: views of the memory that was read into, which saves a copy. One is good until what
   * `handle` returned has settled; copy what is to be kept. Its buffer holds other bytes too: it must not be transferred.
   *
   * @default {false}
   */
  borrow?: boolean;
}

/** Takes a message; if it returns a promise, that is awaited before the next message. */
export type MessageHandler = (message: string | Uint8Array) => unknown;

/** What the options of `forEach` may be. */
export const forEachTable: OptionTable<ForEachOptions> = { borrow: aBoolean };

/** How many messages are handled before others have their turn, as many as frames are taken in one. */
const MESSAGES_PER_TURN = 512;

/** What {@linkcode handEach} needs to know. */
export interface HandEachOptions extends TakeOptions {
  /** Called when the next message is asked for, and when nothing more is. */
  readonly onAsked: () => void;
}

/**
 * Hands over all messages, up to the end.
 *
 * @param queue Where they wait.
 * @param handle What to call.
 * @param options Whether messages may be views, and whom to tell.
 * @throws What the queue ends with, and what `handle` throws.
 */
export async function handEach(
  queue: ReceiveQueue,
  handle: MessageHandler,
  options: HandEachOptions,
): Promise<void> {
  const { onAsked } = options;
  try {
    let message = await nextOf(queue, options);
    for (let count = 1; message !== undefined; count++) {
      const handled = handle(message);
      if (isThenable(handled)) await handled;
      if (count % MESSAGES_PER_TURN === 0) await new Promise<void>(queueTask);
      message = queue.take(options);
      if (message === undefined) message = await nextOf(queue, options);
      else onAsked();
    }
  } finally {
    queue.leave();
    onAsked();
  }
}

async function nextOf(queue: ReceiveQueue, options: HandEachOptions): Promise<Message | undefined> {
  const next = queue.next(options);
  options.onAsked();
  return (await next).value;
}

function isThenable(value: unknown): boolean {
  return typeof (value as PromiseLike<unknown> | undefined | null)?.then === "function";
}
