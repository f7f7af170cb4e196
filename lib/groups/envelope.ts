/**
 * What goes through a broker: a message, which process it is from, and which of its messages it is.
 *
 * ```
 *  0         4      5                 21           25
 *  | "SLU" 2 | kind | process id (16) | number (4) | payload ...
 * ```
 *
 * `kind` is 1 for text (UTF-8) and 2 for binary, as the opcodes of RFC 6455 §5.2, and 4 for what processes tell each other
 * (UTF-8). With 8 added to 1 or 2, an address stands before the payload: its length in bytes (4) and JSON. The number is big-endian and counts the messages that the process publishes on the channel; what
 * processes tell each other has none. The payload is as it is.
 *
 * @module
 */

import type { Bytes } from "../connection/web_socket_connection.ts";
import { type Address, readAddress } from "./audience.ts";

/** What every envelope begins with; the last byte is the version. */
const MAGIC = Uint8Array.of(0x53, 0x4c, 0x55, 2);
const ID_SIZE = 16;
const ID_START = MAGIC.length + 1;
const NUMBER_START = ID_START + ID_SIZE;
const HEADER_SIZE = NUMBER_START + 4;
const TEXT = 1;
const BINARY = 2;
const CONTROL = 4;
const ADDRESSED = 8;

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Tells one process from all others. */
export type ProcessId = Uint8Array;

/** Makes up an id: 128 random bits. */
export function makeProcessId(): ProcessId {
  return crypto.getRandomValues(new Uint8Array(ID_SIZE));
}

/** Writes an id as 32 hexadecimal digits. */
export function formatProcessId(id: ProcessId): string {
  return Array.from(id, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Where a message comes from. */
export interface Origin {
  /** The process that sends it. */
  readonly from: ProcessId;
  /** Which of its messages on the channel it is. */
  readonly number: number;
}

/** Whether bytes begin with the id of a process. */
export function isSameProcess(id: Uint8Array, own: ProcessId): boolean {
  return startsWith(id, own);
}

/** A message to be put into an envelope. */
export interface Outgoing {
  readonly data: string | Bytes;
  /** Its length, as UTF-8 if it is text. */
  readonly byteLength: number;
  /** Whom it is for, if not simply for everyone in the group. */
  readonly address?: Address | undefined;
}

/**
 * Puts a message into an envelope.
 *
 * @param origin Where it comes from.
 * @param message The message; it is copied.
 */
export function seal({ from, number }: Origin, { data, byteLength, address }: Outgoing): Uint8Array {
  const addressed = address === undefined ? undefined : encoder.encode(JSON.stringify(address));
  const start = addressed === undefined ? HEADER_SIZE : HEADER_SIZE + 4 + addressed.length;
  const envelope = new Uint8Array(start + byteLength);
  envelope.set(MAGIC);
  envelope[MAGIC.length] = typeof data === "string" ? TEXT : BINARY;
  envelope.set(from, ID_START);
  writeUint32(envelope, NUMBER_START, number);
  if (addressed !== undefined) {
    envelope[MAGIC.length]! |= ADDRESSED;
    writeUint32(envelope, HEADER_SIZE, addressed.length);
    envelope.set(addressed, HEADER_SIZE + 4);
  }
  const payload = envelope.subarray(start);
  if (typeof data === "string") encoder.encodeInto(data, payload);
  else payload.set(viewBytes(data));
  return envelope;
}

/** Puts into an envelope what processes tell each other. */
export function sealControl(from: ProcessId, text: string): Uint8Array {
  const byteLength = encoder.encode(text).length;
  const envelope = seal({ from, number: 0 }, { data: text, byteLength });
  envelope[MAGIC.length] = CONTROL;
  return envelope;
}

/** What was in an envelope: a message, or what a process tells others, and where it comes from. */
export type Unsealed =
  | Origin & { readonly data: string | Uint8Array; readonly address?: Address }
  | Origin & { readonly control: string };

/**
 * Takes a message out of an envelope. Never throws, whatever it is given.
 *
 * @param own Whose messages are not opened. @default all are
 * @returns The message; `"own"` if it is from that process, `"malformed"` if it is no envelope. Bytes are a view of what
 *   was given.
 */
export function unseal(envelope: Uint8Array, own?: ProcessId): Unsealed | "own" | "malformed" {
  const kind = envelope[MAGIC.length];
  if (envelope.length < HEADER_SIZE || !startsWith(envelope, MAGIC)) return "malformed";
  if (own !== undefined && isSameProcess(envelope.subarray(ID_START), own)) return "own";
  // What clients hand over may be a Buffer, which is not a Uint8Array in all it does.
  const bytes = viewBytes(envelope);
  const from = bytes.subarray(ID_START, NUMBER_START);
  const number = readUint32(bytes, NUMBER_START);
  const payload = bytes.subarray(HEADER_SIZE);
  if (kind === (TEXT | ADDRESSED) || kind === (BINARY | ADDRESSED)) {
    return openAddressed({ from, number }, kind & ~ADDRESSED, payload);
  }
  if (kind === BINARY) return { from, number, data: payload };
  if (kind !== TEXT && kind !== CONTROL) return "malformed";
  try {
    const text = decoder.decode(payload);
    return kind === TEXT ? { from, number, data: text } : { from, number, control: text };
  } catch {
    return "malformed";
  }
}

function openAddressed(origin: Origin, kind: number, bytes: Uint8Array): Unsealed | "malformed" {
  const length = bytes.length < 4 ? Infinity : readUint32(bytes, 0);
  if (4 + length > bytes.length) return "malformed";
  try {
    const address = readAddress(decoder.decode(bytes.subarray(4, 4 + length)));
    if (address === undefined) return "malformed";
    const payload = bytes.subarray(4 + length);
    return { ...origin, data: kind === TEXT ? decoder.decode(payload) : payload, address };
  } catch {
    return "malformed";
  }
}

/** Views bytes as what they are, without copying. */
export function viewBytes(data: Bytes): Uint8Array {
  return ArrayBuffer.isView(data)
    ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
    : new Uint8Array(data);
}

function readUint32(bytes: Uint8Array, at: number): number {
  return (bytes[at]! << 24 | bytes[at + 1]! << 16 | bytes[at + 2]! << 8 | bytes[at + 3]!) >>> 0;
}

function writeUint32(bytes: Uint8Array, at: number, value: number): void {
  for (let i = 0; i < 4; i++) bytes[at + i] = value >>> (24 - 8 * i);
}

function startsWith(bytes: Uint8Array, start: Uint8Array): boolean {
  for (let i = 0; i < start.length; i++) if (bytes[i] !== start[i]) return false;
  return true;
}
