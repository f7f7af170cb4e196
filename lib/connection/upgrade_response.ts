/**
 * Reading the body of a server's refusal.
 *
 * @module
 */

import { HandshakeError } from "../errors.ts";
import { ChunkedDecoder } from "../handshake/chunked_decoder.ts";
import type { ResponseHead } from "../handshake/head_parser.ts";
import { copyRange } from "../protocol/bytes.ts";
import type { ByteChannel } from "./byte_channel.ts";
import { Deadline } from "./deadline.ts";

/** How much of a refusal's body is kept, in bytes. */
const MAX_BODY = 65_536;
/** How long is waited for it, in milliseconds: it comes with the head, if it comes. */
const BODY_TIME = 1_000;

/** The final response of a server. */
export interface ReceivedResponse {
  /** Its head. */
  readonly head: ResponseHead;
  /** What came behind the head: frames, or a body. */
  readonly rest: Uint8Array;
}

/**
 * Makes the error that tells of a refusal, with what the server says of it.
 *
 * @param channel Where the body comes from; it is of no use afterwards.
 * @param received The response.
 * @returns The error. Where the body is too long, or late, or not well framed, the error has as much of it as there is.
 */
export async function refusalOf(channel: ByteChannel, received: ReceivedResponse): Promise<HandshakeError> {
  const { status, statusText, headers } = received.head;
  // A Response cannot have any other.
  if (status < 200 || status > 599) return new HandshakeError("refused", { status });
  const bodiless = status === 204 || status === 205 || status === 304;
  const body = bodiless ? null : await readBody(channel, received);
  const response = new Response(body, { status, statusText, headers: headers.toHeaders() });
  return new HandshakeError("refused", { status, response });
}

async function readBody(
  channel: ByteChannel,
  { head, rest }: ReceivedResponse,
): Promise<Uint8Array<ArrayBuffer>> {
  const body = new RefusalBody(head);
  const deadline = new Deadline(BODY_TIME, () => channel.fail(new HandshakeError("timeout")));
  try {
    for (let bytes: Uint8Array | undefined = rest; bytes !== undefined; bytes = await channel.read()) {
      body.push(bytes);
      if (body.done) break;
    }
  } catch {
    // What has come is all there is.
  } finally {
    deadline.stop();
  }
  return body.take();
}

/** Gathers a body, which ends as its head says (RFC 9112 §6.3), or where it is too long. */
class RefusalBody {
  readonly #chunked: ChunkedDecoder | undefined;
  readonly #bytes = new Uint8Array(MAX_BODY);
  readonly #limit: number;
  #size = 0;

  constructor({ headers }: ResponseHead) {
    const chunked = /^chunked$/i.test(headers.list("transfer-encoding") ?? "");
    this.#chunked = chunked ? new ChunkedDecoder() : undefined;
    const length = chunked ? undefined : headers.get("content-length");
    this.#limit = length !== undefined && /^\d+$/.test(length)
      ? Math.min(Number(length), MAX_BODY)
      : MAX_BODY;
  }

  get done(): boolean {
    return this.#size === this.#limit || this.#chunked?.done === true;
  }

  push(bytes: Uint8Array): void {
    for (const part of this.#chunked?.push(bytes) ?? [bytes]) {
      const kept = part.subarray(0, this.#limit - this.#size);
      this.#bytes.set(kept, this.#size);
      this.#size += kept.length;
    }
  }

  take(): Uint8Array<ArrayBuffer> {
    return copyRange(this.#bytes, 0, this.#size);
  }
}
