/**
 * A `Response` on its way to a client that gets no WebSocket.
 *
 * @module
 */

import { writeResponseHead } from "../handshake/http_response.ts";
import type { ByteChannel } from "./byte_channel.ts";

/** Statuses whose responses have no body (RFC 9110 §6.4.1). */
const BODILESS: ReadonlySet<number> = new Set([204, 205, 304]);

/**
 * Writes a response, its body as it comes: its end is the end of the stream. The stream itself is left open.
 *
 * @param channel Where to; if it fails, the body is cancelled and nothing is thrown.
 * @param response The response; its body must not have been read.
 * @param options `timeout`: how long the client may take for each 64 KiB, in milliseconds; `head`: whether only the head
 *   is wanted, the method being HEAD. @default {false}
 */
export async function writeResponse(
  channel: ByteChannel,
  response: Response,
  { timeout, head: headOnly = false }: { timeout: number; head?: boolean },
): Promise<void> {
  const { status, statusText, headers, body } = response;
  const head = writeResponseHead({ status, statusText, headers });
  const wanted = body !== null && !headOnly && !BODILESS.has(status);
  try {
    await channel.write(head, timeout);
    if (wanted) { for await (const bytes of body) await channel.write(bytes, timeout); }
    else await body?.cancel();
  } catch {
    await body?.cancel().catch(() => {});
  }
}
