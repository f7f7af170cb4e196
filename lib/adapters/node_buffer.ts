/**
 * The bytes of libraries that were written for Node. Deno and Bun have them too.
 *
 * @module
 */

import { Buffer } from "node:buffer";

/** The class itself, for libraries that are told by it what to answer with. */
export const NodeBuffer: typeof Buffer = Buffer;

/** Views bytes as a `Buffer`, without copying. */
export function toNodeBuffer(bytes: Uint8Array): Uint8Array {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
}
