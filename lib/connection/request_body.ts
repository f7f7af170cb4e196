/**
 * Receiving the body of a request that is not an upgrade.
 *
 * @module
 */

import { HandshakeError } from "../errors.ts";
import { bodyLength } from "../handshake/server_handshake.ts";
import { ByteCollector } from "../protocol/byte_collector.ts";
import { Deadline } from "./deadline.ts";
import type { Reception } from "./reception.ts";

/**
 * Reads the whole body, of which a part may have come with the head. Memory is allocated for bytes that have arrived,
 * never for a length that a client claims.
 *
 * @param reception The request.
 * @param options `maxBodySize`: the longest body that is read, in bytes; `timeout`: how long it may take, in milliseconds.
 * @throws {HandshakeError} If the body is too long or its length unclear, if it comes too late, or not to its end.
 */
export async function receiveBody(
  { channel, opening: { head, leftover } }: Reception<unknown>,
  { maxBodySize, timeout }: { maxBodySize: number; timeout: number },
): Promise<Uint8Array<ArrayBuffer>> {
  const length = bodyLength(head);
  if (length > maxBodySize) throw new HandshakeError("body-too-large");
  // In HTTP/1.0 it is to be ignored: such a client sends its body without waiting (RFC 9110 §10.1.1).
  const expects = head.httpVersion !== "1.0" && head.headers.has("expect");
  if (length > 0 && expects) throw new HandshakeError("expectation");
  const body = new ByteCollector();
  const deadline = new Deadline(timeout, () => channel.fail(new HandshakeError("timeout")));
  try {
    for (let part: Uint8Array | undefined = leftover; part !== undefined; part = await channel.read()) {
      // What lies behind the body would be another request, and we answer one.
      const wanted = part.subarray(0, length - body.length);
      body.append(wanted, length - body.length - wanted.length);
      if (body.length === length) return body.take() as Uint8Array<ArrayBuffer>;
    }
  } finally {
    deadline.stop();
    body.discard();
  }
  throw new HandshakeError("ended");
}
