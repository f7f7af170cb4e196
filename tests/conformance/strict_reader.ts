/**
 * Reads what Sluice sends, and takes offence at whatever RFC 6455 forbids a sender.
 *
 * It is slow and plain, and shares no code with what it checks.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import type { Role } from "../../lib/protocol/frame.ts";
import type { ByteQueue } from "./byte_queue.ts";

/** A whole message, or a control frame. */
export interface Received {
  readonly opcode: number;
  readonly payload: Uint8Array;
}

interface Head {
  readonly fin: boolean;
  readonly rsv1: boolean;
  readonly opcode: number;
  readonly size: number;
  readonly key: Uint8Array | undefined;
}

/** Reads the frames of one connection. */
export class StrictReader {
  readonly #queue: ByteQueue;
  readonly #role: Role;
  #lastKey: Uint8Array | undefined;
  #closed = false;
  #message: { opcode: number; rsv1: boolean; parts: Uint8Array[] } | undefined;
  /** Inflates a message; only with it is RSV1 allowed. */
  inflate: ((payload: Uint8Array) => Promise<Uint8Array>) | undefined;

  /**
   * Makes a reader.
   *
   * @param queue Where the bytes come from.
   * @param role Whose frames these are: a client masks, a server does not.
   */
  constructor(queue: ByteQueue, role: Role) {
    this.#queue = queue;
    this.#role = role;
  }

  /**
   * Reads up to the next message or control frame.
   *
   * @returns What came, or `undefined` at the end of the stream.
   * @throws {Error} If the sender breaks a rule, or the stream is cut or ends within a frame.
   */
  async next(): Promise<Received | undefined> {
    while (true) {
      const ended = await this.#queue.untilMore();
      if (ended !== undefined) {
        if (ended !== "FIN") throw new Error(`the stream ended by a ${ended}`);
        return undefined;
      }
      check(!this.#closed, "something behind the Close");
      const { fin, rsv1, opcode, size, key } = await this.#head();
      const payload = unmask(await this.#queue.take(size), key);
      if (opcode >= 8) return this.#control(opcode, payload);
      const message = await this.#data(fin, rsv1, opcode, payload);
      if (message !== undefined) return message;
    }
  }

  async #head(): Promise<Head> {
    const [first, second] = await this.#queue.take(2) as unknown as [number, number];
    const opcode = first & 15;
    const rsv1 = this.inflate !== undefined && (opcode === 1 || opcode === 2) && (first & 0x40) !== 0;
    check((first & 0x70) === (rsv1 ? 0x40 : 0), "an RSV bit");
    check([0, 1, 2, 8, 9, 10].includes(opcode), `opcode ${opcode}`);
    const fin = first >= 128;
    check((second >= 128) === (this.#role === "client"), second >= 128 ? "a mask" : "no mask");
    const size = await this.#length(second & 127);
    check(opcode < 8 || (fin && size <= 125), "a control frame in fragments, or of more than 125 octets");
    return { fin, rsv1, opcode, size, key: second >= 128 ? await this.#key() : undefined };
  }

  async #length(short: number): Promise<number> {
    if (short < 126) return short;
    const bytes = await this.#queue.take(short === 126 ? 2 : 8);
    const size = bytes.reduce((value, octet) => value * 256 + octet, 0);
    check(size >= (short === 126 ? 126 : 65_536), `a length of ${bytes.length} octets for ${size}`);
    return size;
  }

  async #key(): Promise<Uint8Array> {
    const key = await this.#queue.take(4);
    check(!key.every((octet, i) => octet === this.#lastKey?.[i]), "the same masking key twice in a row");
    this.#lastKey = key;
    return key;
  }

  #control(opcode: number, payload: Uint8Array): Received {
    if (opcode === 8) {
      this.#closed = true;
      check(payload.length !== 1, "a Close of 1 octet");
      check(isText(payload.subarray(2)), "a reason that is no UTF-8");
      check(this.#message === undefined, "a Close within a message"); // allowed, but then the message is lost
    }
    return { opcode, payload };
  }

  async #data(
    fin: boolean,
    rsv1: boolean,
    opcode: number,
    payload: Uint8Array,
  ): Promise<Received | undefined> {
    const message = this.#message ?? { opcode, rsv1, parts: [] };
    check((opcode === 0) === (this.#message !== undefined), `opcode ${opcode} out of turn`);
    message.parts.push(payload);
    this.#message = fin ? undefined : message;
    if (!fin) return undefined;
    const joined = message.parts.length === 1 ? payload : new Uint8Array(Buffer.concat(message.parts));
    const whole = message.rsv1 ? await this.inflate!(joined) : joined;
    check(message.opcode !== 1 || isText(whole), "a text that is no UTF-8");
    return { opcode: message.opcode, payload: whole };
  }
}

function check(good: boolean, what: string): void {
  if (!good) throw new Error(`Sluice sent ${what}`);
}

function unmask(bytes: Uint8Array, key: Uint8Array | undefined): Uint8Array {
  if (key === undefined) return bytes;
  for (let i = 0; i < bytes.length; i++) bytes[i]! ^= key[i & 3]!;
  return bytes;
}

function isText(bytes: Uint8Array): boolean {
  try {
    new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    return true;
  } catch {
    return false;
  }
}
