/**
 * A `Response` on its way to a client that gets no WebSocket.
 *
 * What is about this connection is ours, whatever the response says: hop-by-hop fields, and where the body ends. It may
 * have come from `fetch`, with the fields of another connection, and with its body decoded.
 *
 * @module
 */

import { BodyFramer, chooseFraming, framingField } from "../handshake/body_framing.ts";
import { isCoded, mayBeDecoded } from "../handshake/content_coding.ts";
import { writeResponseHead } from "../handshake/http_response.ts";
import { DIGIT, isAll } from "../handshake/octets.ts";
import { type ByteChannel, LEFT_GRACE } from "./byte_channel.ts";
import { ResponseBody } from "./response_body.ts";

/** Statuses whose responses have no body (RFC 9110 §6.4.1). */
const BODILESS: ReadonlySet<number> = new Set([204, 205, 304]);

/**
 * Bun adds the type of a string in its own server only. Without one a browser takes the text for HTML if it looks like
 * that, and runs its scripts.
 */
const STRINGS_HAVE_TYPE = new Response("").headers.has("content-type");
const STRING_TYPE = "text/plain;charset=UTF-8";
/** The least that Bun hands out at once of a string that does not come whole, in bytes. */
const STRING_START = 16_384;

/** How a response is written. */
export interface AnswerOptions {
  /** How long the client may take for each 64 KiB, in milliseconds. */
  readonly timeout: number;
  /** Whether only the head is wanted, the method being HEAD. @default {false} */
  readonly headOnly?: boolean;
  /** Whether the client knows the chunked coding, which came with HTTP/1.1. @default {true} */
  readonly chunked?: boolean;
}

/**
 * Writes a response, its body as it comes. The stream is left open, unless the body fails after a part of it was sent:
 * then the stream is cut, and the client sees that it did not get all.
 *
 * @param channel Where to. If the client is gone, the body is cancelled and nothing is thrown.
 * @param response The response; its body must not have been read.
 * @param options How to write it.
 * @throws {TypeError | RangeError} If the response cannot be sent. What its body fails with.
 */
export async function writeResponse(
  channel: ByteChannel,
  response: Response,
  { timeout, headOnly = false, chunked = true }: AnswerOptions,
): Promise<void> {
  const { status, statusText } = response;
  const answer = new Answer(response);
  const write = (bytes: Uint8Array) => channel.write(bytes, timeout).then(() => true, () => false);
  const { onGone } = channel;
  channel.onGone = () => {
    onGone?.();
    answer.body?.cancel();
  };
  let started = false;
  // A source that is quiet would keep the stream for a client that has left.
  const whileThere = <T>(work: Promise<T>) => channel.whileThere(work, { grace: LEFT_GRACE });
  try {
    const { headers, declared, actual } = await whileThere(answer.describe());
    const framing = chooseFraming({ status, declared, actual, headOnly, chunked });
    const head = writeResponseHead({ status, statusText, headers, framing: framingField(framing) });
    started = true;
    if (!await write(head) || answer.body === undefined || headOnly || BODILESS.has(status)) return;
    const framer = new BodyFramer(framing ?? "close");
    for (;;) {
      const chunk = await whileThere(answer.body.next());
      if (chunk === undefined) break;
      if (!await write(framer.frame(chunk))) return;
    }
    await write(framer.end());
  } catch (error) {
    // A body that fails because the client is gone is no fault.
    if (!channel.transport.open) return;
    if (error === channel.left) return channel.transport.destroy();
    if (started) channel.transport.destroy();
    throw error;
  } finally {
    answer.body?.cancel();
  }
}

/** What of a response is sent. */
class Answer {
  /** The body, if it has one. */
  readonly body: ResponseBody | undefined;
  readonly #headers: readonly (readonly [string, string])[];
  readonly #fetched: boolean;

  /** @throws {TypeError} If the body was read before, or is locked. */
  constructor(response: Response) {
    // Before the body: Bun forgets the type of a Blob once it was asked for that.
    this.#headers = [...response.headers];
    // Others have none.
    this.#fetched = Boolean(response.url);
    const { bodyUsed: used, body } = response;
    if (body !== null) this.body = new ResponseBody(body, { used });
  }

  /**
   * Reads the start of the body.
   *
   * @returns `headers`: those to send; `declared`: the Content-Length, if it is one number and that of what is sent;
   * `actual`: the length of the body in bytes, if it is known already.
   */
  async describe(): Promise<
    { headers: [string, string][]; declared: number | undefined; actual: number | undefined }
  > {
    const { body } = this;
    const coding = this.#get("content-encoding") ?? "";
    const unsure = mayBeDecoded(coding, { fetched: this.#fetched });
    const actual = body === undefined ? 0 : await body.readAhead({ first: unsure });
    const decoded = unsure && (body === undefined ? this.#fetched : !isCoded(coding, body.start));
    const own = ["content-length", ...decoded ? ["content-encoding"] : []];
    const headers = this.#headers.filter(([name]) => !own.includes(name));
    if (body !== undefined && this.#isUntypedString(body, actual)) {
      headers.push(["content-type", STRING_TYPE]);
    }
    // What `fetch` decoded has another length than what it received.
    const declared = decoded || (unsure && this.#fetched) ? undefined : this.#declaredLength();
    return { headers: headers as [string, string][], declared, actual };
  }

  #get(name: string): string | undefined {
    return this.#headers.find((header) => header[0] === name)?.[1];
  }

  #declaredLength(): number | undefined {
    const value = this.#get("content-length");
    if (value === undefined || !isAll(value, DIGIT)) return undefined;
    const length = Number(value);
    return Number.isSafeInteger(length) ? length : undefined;
  }

  /** Whether the body may have been a string whose type the runtime does not tell: it is text, and came at once. */
  #isUntypedString({ start }: ResponseBody, actual: number | undefined): boolean {
    if (STRINGS_HAVE_TYPE || this.#get("content-type") !== undefined) return false;
    return (actual !== undefined || start.length >= STRING_START) && isText(start);
  }
}

function isText(bytes: Uint8Array): boolean {
  try {
    new TextDecoder("utf-8", { fatal: true }).decode(bytes.subarray(0, STRING_START), { stream: true });
    return true;
  } catch {
    return false;
  }
}
