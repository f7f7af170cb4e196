/**
 * A member without a network: it keeps what it is sent.
 *
 * @module
 */

import type { GroupConnection } from "../../lib/groups/mod.ts";
import { EncodedMessage } from "../../lib/protocol/prepared_message.ts";
import { Opcode } from "../../lib/protocol/frame.ts";
import type { CloseInfo, CloseOptions, Message, PreparedMessage } from "../../mod.ts";

const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** Takes everything at once, unless it is told to be slow. */
export class Member implements GroupConnection {
  /** What it was sent, as it would arrive. */
  readonly received: Message[] = [];
  /** The same, as it was given. */
  readonly prepared: unknown[] = [];
  /** What it was closed with. */
  readonly closes: (CloseOptions | undefined)[] = [];
  readonly closed: Promise<CloseInfo>;
  /** How much it pretends to have waiting; what it is sent is added while it is slow. */
  bufferedAmount = 0;
  slow = false;
  #end!: (info: CloseInfo) => void;
  #relief: PromiseWithResolvers<void> | undefined;

  constructor() {
    this.closed = new Promise((resolve) => this.#end = resolve);
  }

  send(data: unknown): Promise<void> {
    const { frame } = data as EncodedMessage;
    this.prepared.push(data);
    this.received.push(
      frame.opcode === Opcode.Text ? decoder.decode(frame.payload) : frame.payload,
    );
    if (!this.slow) return Promise.resolve();
    this.bufferedAmount += (data as PreparedMessage).byteLength;
    return (this.#relief ??= Promise.withResolvers()).promise;
  }

  /** Reads all that waits. */
  read(): void {
    this.bufferedAmount = 0;
    this.#relief?.resolve();
    this.#relief = undefined;
  }

  close(info?: CloseOptions): void {
    this.closes.push(info);
    this.end();
  }

  /** Ends, as if the peer had closed. */
  end(): void {
    this.#end({ closeCode: 1000, reason: "" });
  }
}
