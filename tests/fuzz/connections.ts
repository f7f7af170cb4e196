/**
 * Whole connections as one peer sends them, head and frames and end, and what becomes of them.
 *
 * @module
 */

import { createHash } from "node:crypto";
import { zlibCodec } from "../../lib/adapters/zlib/codec.ts";
import { HandshakeError, WebSocketError } from "../../lib/errors.ts";
import type { Role } from "../../lib/protocol/frame.ts";
import { acceptStream, type ByteStream, connectStream, type WebSocketConnection } from "../../mod.ts";
import { readStream } from "../reference/reference_reader.ts";
import { concat, show } from "../vectors/hex.ts";
import { fromLatin1, latin1 } from "../vectors/splits.ts";

/** What a peer sends from the first byte to the last; in an answer `{accept}` stands for what fits the key. */
export interface PeerScript {
  readonly name: string;
  /** Whose side we are. */
  readonly role: Role;
  readonly head: string;
  readonly frames: Uint8Array;
  /** Whether we echo each message: what was received before an end is answered before it. */
  readonly echo: boolean;
  /** Whether permessage-deflate is agreed on; windows of 15 bits, kept. */
  readonly compression: boolean;
}

/** What becomes of a connection. */
export interface ConnectionLog {
  /** The messages, then how it ended. */
  readonly events: readonly string[];
  /** What was sent: the head, then the frames as the reference reads them, Pongs last. */
  readonly sent: readonly string[];
}

const COMPRESSION = { codec: zlibCodec, contextTakeover: true, windowBits: 15 } as const;

/** A stream in memory: chunks come in as they are cut, what goes out is gathered. */
class MemoryStream implements ByteStream {
  readonly readable: ReadableStream<Uint8Array>;
  readonly writable: WritableStream<Uint8Array>;
  /** Resolves when our direction is ended. */
  readonly ended: Promise<void>;
  readonly #sent: Uint8Array[] = [];

  /** @param chunks What comes in, told of what has gone out by then. */
  constructor(chunks: (sent: () => Uint8Array) => Iterable<Uint8Array>) {
    let incoming: Iterator<Uint8Array> | undefined;
    this.readable = new ReadableStream({
      pull: async (controller) => {
        incoming ??= chunks(() => this.sent)[Symbol.iterator]();
        // Each chunk comes in a turn of its own, as from a network.
        await Promise.resolve();
        const { done, value } = incoming.next();
        if (done) controller.close();
        else controller.enqueue(value);
      },
    }, { highWaterMark: 0 });
    const { promise, resolve } = Promise.withResolvers<void>();
    this.ended = promise;
    this.writable = new WritableStream({
      write: (chunk) => void this.#sent.push(chunk.slice()),
      close: resolve,
      abort: () => resolve(),
    });
  }

  /** All that has gone out. */
  get sent(): Uint8Array {
    return concat(this.#sent);
  }
}

/** Plays one end to a connection; `cut` says how what it sends is cut. */
export async function playConnection(
  script: PeerScript,
  cut: (bytes: Uint8Array) => Iterable<Uint8Array>,
): Promise<ConnectionLog> {
  const { role, head, frames, compression, echo } = script;
  const stream = new MemoryStream((sent) => {
    const accept = role === "client" ? acceptOf(fromLatin1(sent())) : "";
    return cut(concat([latin1(head.replace("{accept}", accept)), frames]));
  });
  const options = {
    closeTimeout: 2_000,
    keepalive: false,
    ...compression && { compression: COMPRESSION },
  } as const;
  const opening = role === "server"
    ? acceptStream(stream, options)
    : connectStream(stream, "ws://example.com/chat", options);
  const events = await opening.then((socket) => eventsOf(socket, echo), faultOf);
  await stream.ended;
  return { events, sent: readSent(script, stream.sent) };
}

function acceptOf(request: string): string {
  const key = /^sec-websocket-key: (.+)\r$/im.exec(request)?.[1];
  return createHash("sha1").update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest("base64");
}

async function eventsOf(socket: WebSocketConnection, echo: boolean): Promise<string[]> {
  const events: string[] = [];
  try {
    for await (const message of socket) {
      events.push(
        typeof message === "string" ? `text ${JSON.stringify(message)}` : `binary ${show(message)}`,
      );
      if (echo) await socket.send(message);
    }
  } catch (error) {
    events.push(...faultOf(error));
  }
  const end = await socket.closed.then(({ closeCode, reason }) => [`close ${closeCode} ${reason}`], faultOf);
  return [...events, ...end];
}

function faultOf(error: unknown): string[] {
  if (error instanceof HandshakeError || error instanceof WebSocketError) {
    return [`${error.name} ${error.code}`];
  }
  throw error;
}

/** Reads the head and the frames that were sent; fails if the frames break a rule. */
function readSent({ role, compression }: PeerScript, bytes: Uint8Array): string[] {
  const text = fromLatin1(bytes);
  const end = text.indexOf("\r\n\r\n") + 4;
  const head = text.slice(0, end).replace(/^(sec-websocket-key): .+$/im, "$1: any");
  const deflate = compression ? { bits: 15, takeover: true } : undefined;
  if (role === "server" && !head.startsWith("HTTP/1.1 101 ")) return [text];
  const { events, violation } = readStream(bytes.subarray(end), { sender: role, strict: true, deflate });
  if (violation !== undefined) throw new Error(`Sluice sent ${violation.what}`);
  // A Ping is answered when it is received, a message when it is read: their order depends on the cut.
  const isPong = (event: string) => event.startsWith("pong ");
  return [head, ...events.filter((event) => !isPong(event)), ...events.filter(isPong)];
}
