/**
 * Who sends while a message goes out as a stream: the others wait until it is over.
 *
 * @module
 */

import { checkChoice } from "../options/checks.ts";
import type { OptionTable } from "../options/option_table.ts";
import { type Bytes, copyBytes } from "../protocol/bytes.ts";
import type { Endpoint } from "../protocol/endpoint.ts";
import type { EncodedMessage } from "../protocol/prepared_message.ts";
import { messageFragments } from "../streams/message_fragments.ts";
import type { EndHolder } from "./close_state.ts";
import { ignorable, ignore } from "./deferred.ts";
import type { Outbox } from "./outbox.ts";

/** What a {@linkcode SendLine} needs of its connection. */
export interface LineOwner {
  /** Where messages go. */
  readonly endpoint: Endpoint;
  /** Where they leave. */
  readonly outbox: Outbox;
  /** Keeps an end of the peer's from being answered while messages wait here. */
  readonly holder: EndHolder;
  /** Says why nothing can be sent. */
  notOpen(): unknown;
  /** Closes the connection, the message under way having failed. */
  fail(): void;
}

/** What a message is sent as. */
export interface SendStreamOptions {
  /** Whether it is text or bytes. @default what the first chunk is: a string, or bytes */
  type?: "text" | "binary";
}

/** What those options may be. */
export const sendStreamTable: OptionTable<SendStreamOptions> = {
  type: (value, name) => checkChoice(value, name, ["text", "binary"]),
};

/**
 * Demands a stream.
 *
 * @throws {TypeError} If it is none.
 */
export function checkSource(source: unknown): void {
  const { getReader, cancel } = Object(source) as Partial<ReadableStream>;
  if (typeof getReader === "function" && typeof cancel === "function") return;
  throw new TypeError(
    `Cannot send: the source must be a ReadableStream, not ${source === null ? "null" : typeof source}`,
  );
}

/** Messages in the order in which they were given to be sent, the first of them under way. */
export class SendLine {
  readonly #owner: LineOwner;
  /** What is over when everyone in the line has had his turn. */
  #last: Promise<void> | undefined;
  #size = 0;
  /** Where the message under way comes from. */
  #reader: ReadableStreamDefaultReader<string | Bytes> | undefined;
  /** Why nobody has a turn any more. */
  #stopped: unknown;

  /**
   * Makes an empty line.
   *
   * @param owner Whose messages wait here.
   */
  constructor(owner: LineOwner) {
    this.#owner = owner;
  }

  /** Whether a message has to wait. */
  get busy(): boolean {
    return this.#last !== undefined;
  }

  /** How much waits that was not given as a stream: UTF-16 units of strings, bytes of all others. */
  get size(): number {
    return this.#size;
  }

  /** Sends a message when it has its turn; bytes are copied. */
  send(message: string | Uint8Array | EncodedMessage): Promise<void> {
    const size = typeof message === "string" ? message.length : message.byteLength;
    const own = message instanceof Uint8Array ? copyBytes(message) : message;
    const { holder } = this.#owner;
    this.#size += size;
    holder.holdEnd();
    return this.#wait(() => {
      this.#size -= size;
      const sent = this.#transmit((endpoint) => endpoint.sendMessage(own));
      holder.releaseEnd();
      return sent;
    });
  }

  /** Sends a message that comes as a stream when it has its turn. */
  stream(source: ReadableStream<string | Bytes>, { type }: SendStreamOptions): Promise<void> {
    const reader = source.getReader();
    return this.#wait(() => this.#pump(reader, type));
  }

  /** Gives up: the connection has ended. Who is in the line finds that out for himself, unless he waits for a source. */
  stop(reason: unknown): void {
    this.#stopped = reason;
    // To cancel a source runs its owner's code, which must find that all is over.
    queueMicrotask(() => this.#reader?.cancel(reason).catch(ignore));
  }

  /** Sends when it has its turn: never at once, for a source that sends while it is read has to find the line busy. */
  #wait(send: () => Promise<void>): Promise<void> {
    const turn = ignorable((this.#last ?? Promise.resolve()).then(send, send));
    this.#last = turn;
    const leave = () => {
      if (this.#last === turn) this.#last = undefined;
    };
    turn.then(leave, leave);
    return turn;
  }

  async #transmit(encode: (endpoint: Endpoint) => void): Promise<void> {
    const { endpoint, outbox } = this.#owner;
    if (!endpoint.canSend) throw this.#owner.notOpen();
    encode(endpoint);
    outbox.push();
    await outbox.untilRelieved();
  }

  async #pump(
    reader: ReadableStreamDefaultReader<string | Bytes>,
    type: "text" | "binary" | undefined,
  ): Promise<void> {
    this.#reader = reader;
    if (this.#stopped !== undefined) this.stop(this.#stopped);
    try {
      for await (const frame of messageFragments(reader, type)) {
        await this.#transmit((endpoint) => endpoint.output.frame(frame));
      }
    } catch (error) {
      this.#owner.fail();
      reader.cancel(error).catch(ignore);
      throw error;
    } finally {
      this.#reader = undefined;
    }
  }
}
