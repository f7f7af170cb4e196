/**
 * Has the reference read all that the connections of this process send: to import it is enough.
 *
 * What breaks a rule is thrown and does not go out, so that no test can pass over it.
 *
 * @module
 */

import { Outbox } from "../../lib/connection/outbox.ts";
import { SendBuffer } from "../../lib/protocol/send_buffer.ts";
import { type ReferenceOptions, ReferenceReader } from "../reference/reference_reader.ts";
import { fromLatin1 } from "../vectors/splits.ts";

/** What `Sec-WebSocket-Extensions` says of what one end compresses. */
export function agreedIn(head: string, end: "server" | "client"): ReferenceOptions["deflate"] {
  const line = /^sec-websocket-extensions:.*permessage-deflate.*$/im.exec(head)?.[0];
  if (line === undefined) return undefined;
  const bits = Number(new RegExp(`${end}_max_window_bits=(\\d+)`).exec(line)?.[1] ?? 15);
  return { bits, takeover: !line.includes(`${end}_no_context_takeover`) };
}

/** What is known of the sender that a buffer belongs to. */
interface Sender {
  /** How many bytes of the 101 are still in front. */
  head: number;
  reader: ReferenceReader | undefined;
}

const senders = new WeakMap<SendBuffer, Sender>();

function senderOf(buffer: SendBuffer): Sender {
  let sender = senders.get(buffer);
  if (sender === undefined) senders.set(buffer, sender = { head: 0, reader: undefined });
  return sender;
}

/** A server's buffer begins with its 101. Another is a client's, which knows what was agreed on and does not say it. */
function readerFor(bytes: Uint8Array, { head }: Sender): ReferenceReader {
  if (head === 0) {
    return new ReferenceReader({ sender: "client", strict: true, deflate: { bits: 15, takeover: true } });
  }
  const deflate = agreedIn(fromLatin1(bytes.subarray(0, head)), "server");
  return new ReferenceReader({ sender: "server", strict: true, deflate });
}

/** Whether anything is watched: not connections that have shaken no hands, of which there are very many. */
export const watch = { on: true };

/** Runs something that is synchronous with connections that have shaken no hands. */
export function unwatched<T>(run: () => T): T {
  watch.on = false;
  try {
    return run();
  } finally {
    watch.on = true;
  }
}

/** Whether a connection writes: some tests have buffers of their own in the same process. */
let writing = false;
const { flush } = Outbox.prototype;

Outbox.prototype.flush = function (): void {
  writing = true;
  try {
    flush.call(this);
  } finally {
    writing = false;
  }
};

const { raw, take } = SendBuffer.prototype;

SendBuffer.prototype.raw = function (bytes: Uint8Array): void {
  senderOf(this).head += bytes.length;
  raw.call(this, bytes);
};

SendBuffer.prototype.take = function (): Uint8Array {
  const bytes = take.call(this);
  if (!writing || !watch.on) return bytes;
  const sender = senderOf(this);
  const reader = sender.reader ??= readerFor(bytes, sender);
  const { violation } = reader.read(bytes.subarray(sender.head));
  sender.head = 0;
  if (violation !== undefined) throw new Error(`Sluice sent ${violation.what}`);
  return bytes;
};
