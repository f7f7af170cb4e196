/**
 * What one end puts on a wire, gathered, and read by the reference when it ends.
 *
 * @module
 */

import { readStream } from "../reference/reference_reader.ts";
import { concat } from "../vectors/hex.ts";
import { fromLatin1, latin1 } from "../vectors/splits.ts";
import { agreedIn } from "./watch_sent.ts";

/** How many bytes are kept at most: the reference is slow, and what is compressed may become a thousand times as much. */
const LIMIT = 65_536;

/** Gathers the beginning of a stream of bytes. */
class Gathered {
  readonly #parts: Uint8Array[] = [];
  #size = 0;

  add(bytes: Uint8Array): void {
    const kept = bytes.slice(0, LIMIT - this.#size);
    if (kept.length > 0) this.#parts.push(kept);
    this.#size += kept.length;
  }

  /** The head, and what follows; nothing if there is no whole head. */
  split(): { head: string; rest: Uint8Array } | undefined {
    const bytes = concat(this.#parts);
    const end = fromLatin1(bytes).indexOf("\r\n\r\n");
    return end < 0
      ? undefined
      : { head: fromLatin1(bytes.subarray(0, end + 4)), rest: bytes.subarray(end + 4) };
  }
}

/** The two directions of a connection, of which the first is Sluice's. */
export class SentBytes {
  readonly #sent = new Gathered();
  readonly #received = new Gathered();
  #checked = false;

  /** Notes what Sluice sent. */
  sent(bytes: Uint8Array): void {
    this.#sent.add(bytes);
  }

  /** Notes what was sent to it. */
  received(data: string | Uint8Array): void {
    this.#received.add(typeof data === "string" ? latin1(data) : data);
  }

  /** Has all read that was sent; once. What breaks a rule is a rejection that nobody handles. */
  check(): void {
    const ours = this.#sent.split();
    if (this.#checked || ours === undefined) return;
    this.#checked = true;
    const answer = ours.head.startsWith("GET ") ? this.#received.split()?.head ?? "" : ours.head;
    if (!answer.startsWith("HTTP/1.1 101 ")) return;
    const sender = answer === ours.head ? "server" : "client";
    const { violation } = readStream(ours.rest, { sender, strict: true, deflate: agreedIn(answer, sender) });
    // Of what is thrown outside of a promise Deno's runner takes no notice.
    if (violation !== undefined) Promise.reject(new Error(`Sluice sent ${violation.what}`));
  }
}
