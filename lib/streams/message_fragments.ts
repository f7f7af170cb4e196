/**
 * Fragments of a message whose content comes as a stream (RFC 6455 §5.4).
 *
 * @module
 */

import { type Bytes, toBytes } from "../protocol/bytes.ts";
import { type Frame, Opcode } from "../protocol/frame.ts";

/** The most bytes of a fragment: what goes between two of them never waits for more than this. */
const FRAGMENT_SIZE = 65_536;

const NOTHING = new Uint8Array(0);

/** What a reader reads. */
interface Read {
  readonly done: boolean;
  readonly value?: string | Bytes | undefined;
}

/** Makes bytes of what was read. */
type Encode = (read: Read) => Uint8Array;

/** Encodes strings that are cut anywhere, even between two surrogates: the first one waits for the second. */
function textEncoding(): Encode {
  const encoder = new TextEncoder();
  let rest = "";
  return ({ done, value = "" }) => {
    if (typeof value !== "string") throw new TypeError("Cannot send text: a chunk is no string");
    const text = rest + value;
    const split = !done && (text.charCodeAt(text.length - 1) & 0xfc00) === 0xd800;
    rest = split ? text.slice(-1) : "";
    return encoder.encode(split ? text.slice(0, -1) : text);
  };
}

function encodeBinary({ done, value }: Read): Uint8Array {
  if (typeof value === "string") throw new TypeError("Cannot send bytes: a chunk is a string");
  return done ? NOTHING : toBytes(value as Bytes);
}

/**
 * Makes frames of a message: one for each chunk, of 64 KiB at most, and an empty one that ends it.
 *
 * @param reader Where the content comes from: strings for text, anything with bytes for binary. It is read no faster than
 *   the frames are taken. A payload is a view of its chunk.
 * @param type What the message is made of. @default what the first chunk is
 * @throws {TypeError} If a chunk is something else.
 */
export async function* messageFragments(
  reader: ReadableStreamDefaultReader<string | Bytes>,
  type: "text" | "binary" | undefined,
): AsyncGenerator<Frame, void, undefined> {
  let read: Read = await reader.read();
  const isText = type === undefined ? typeof read.value === "string" : type === "text";
  const encode = isText ? textEncoding() : encodeBinary;
  let opcode: Opcode = isText ? Opcode.Text : Opcode.Binary;
  for (let first = true, ended = false; !ended; first = false) {
    if (!first) read = await reader.read();
    ended = read.done;
    const bytes = encode(read);
    for (let at = 0; at < bytes.length; at += FRAGMENT_SIZE) {
      yield { fin: false, rsv1: false, opcode, payload: bytes.subarray(at, at + FRAGMENT_SIZE) };
      opcode = Opcode.Continuation;
    }
  }
  yield { fin: true, rsv1: false, opcode, payload: new Uint8Array(0) };
}
