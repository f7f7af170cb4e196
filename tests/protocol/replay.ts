/**
 * Plays bytes to a decoder or an endpoint and writes down what comes of them, as the vectors have it.
 *
 * @module
 */
import { zlibCodec } from "../../lib/adapters/zlib/codec.ts";
import { WebSocketError } from "../../lib/errors.ts";
import type { Deflater } from "../../lib/protocol/deflate_codec.ts";
import { Endpoint, type EndpointDeflate, type EndpointEvent } from "../../lib/protocol/endpoint.ts";
import { type Frame, isControl, type Role } from "../../lib/protocol/frame.ts";
import { FrameDecoder, type FrameDecoderOptions } from "../../lib/protocol/frame_decoder.ts";
import { eventsOf } from "../support/endpoint_events.ts";
import type { FrameRow } from "../vectors/frames.ts";
import { parseWire } from "../vectors/frames.ts";
import type { MessagePart } from "../../lib/protocol/message_assembler.ts";
import { concat, fromHex, show } from "../vectors/hex.ts";
import { everySplit } from "../vectors/splits.ts";

/** A frame as the vectors write it. */
export function showFrame({ fin, rsv1, opcode, payload }: Frame): string {
  const first = (fin ? 0x80 : 0) | (rsv1 ? 0x40 : 0) | opcode;
  return `${first.toString(16).padStart(2, "0")} ${show(payload)}`;
}

/** An event as the vectors write it. */
export function showEvent(event: EndpointEvent): string {
  if (typeof event === "string") return `text ${JSON.stringify(event)}`;
  if (event instanceof Uint8Array) return `binary ${show(event)}`;
  switch (event.type) {
    case "part":
      return showPart(event.part);
    case "pong":
      return `pong ${show(event.payload)}`;
    case "end":
      return "end";
    case "close":
      return `close ${event.info.closeCode} ${JSON.stringify(event.info.reason)}`;
    case "error":
      return `error ${event.error.code}`;
  }
}

/** A part of a message as a test writes it: `+` before the first, `.` behind the last. */
function showPart({ data, first, last }: MessagePart): string {
  const content = typeof data === "string" ? `text ${JSON.stringify(data)}` : `binary ${show(data)}`;
  return `${first ? "+" : ""}${content}${last ? "." : ""}`;
}

/** Keeps a frame, which is good until the next is decoded. */
export function copyFrame({ fin, rsv1, opcode, payload }: Frame): Frame {
  return { fin, rsv1, opcode, payload };
}

/** What came of some bytes: lines, of which the last may tell an error. */
export function decode(
  chunks: Iterable<Uint8Array>,
  options: FrameDecoderOptions,
): Frame[] & { error?: string } {
  const decoder = new FrameDecoder(options);
  const frames: Frame[] & { error?: string } = [];
  try {
    for (const chunk of chunks) {
      decoder.push(chunk.slice());
      for (let frame = decoder.next(); frame !== undefined; frame = decoder.next()) {
        frames.push(copyFrame(frame));
      }
    }
  } catch (error) {
    if (!(error instanceof WebSocketError)) throw error;
    frames.error = error.code;
  }
  return frames;
}

/** The frames and the error that chunks give, as lines. */
export function decodeLines(chunks: Iterable<Uint8Array>, options: FrameDecoderOptions): string[] {
  const frames = decode(chunks, options);
  const lines = frames.map(showFrame);
  return frames.error === undefined ? lines : [...lines, `error ${frames.error}`];
}

/** Joins the fragments of each message, as lines: what is left is the same however a decoder cut the frames. */
export function joinLines(frames: readonly Frame[] & { error?: string }): string[] {
  const lines: string[] = [];
  let parts: Frame[] = [];
  for (const frame of frames) {
    if (isControl(frame.opcode)) {
      lines.push(showFrame(frame));
      continue;
    }
    parts.push(frame);
    if (!frame.fin) continue;
    const [first] = parts;
    const { rsv1, opcode } = first!;
    const later = parts.slice(1).filter((part) => part.opcode !== 0 || part.rsv1).map(showFrame);
    lines.push(
      showFrame({ fin: true, rsv1, opcode, payload: concat(parts.map((part) => part.payload)) }),
      ...later,
    );
    parts = [];
  }
  return frames.error === undefined ? lines : [...lines, `error ${frames.error}`];
}

/** What an endpoint made of some bytes. */
export interface Replay {
  events: string[];
  sent: string[];
  state: string;
}

/** Compression as it is agreed on by default, but for the windows: kept, or not. */
export function startDeflate(takeover: boolean): EndpointDeflate {
  const options = { windowBits: 15, level: 1, memLevel: 5, takeover };
  // Most of the many endpoints never send: their compressor is made when it is used.
  let deflater: Deflater | undefined;
  return {
    inflater: zlibCodec.inflater(options),
    deflater: { deflate: (message) => (deflater ??= zlibCodec.deflater(options)).deflate(message) },
    threshold: 256,
    optional: !takeover,
    profile: "15 1 5 256",
  };
}

/** Plays the bytes of a row to an endpoint. */
export function replay(row: FrameRow, chunks: Iterable<Uint8Array>): Replay {
  const endpoint = new Endpoint({
    role: row.role,
    maxMessageSize: 1_048_576,
    maxEmptyFragments: 1_024,
    deflate: row.takeover === undefined ? undefined : startDeflate(row.takeover),
    ...row.limits,
  });
  if (row.closing) {
    endpoint.sendClose({ closeCode: 1000, reason: "" });
    endpoint.output.take();
  }
  const events: string[] = [];
  const output: Uint8Array[] = [];
  for (const chunk of chunks) {
    endpoint.receive(chunk.slice());
    for (const event of eventsOf(endpoint)) events.push(showEvent(event));
    output.push(endpoint.output.take());
  }
  return { events, sent: decodeLines(output, { role: otherRole(row.role) }), state: endpoint.state };
}

/** Who the other end is. */
export function otherRole(role: Role): Role {
  return role === "server" ? "client" : "server";
}

/** The bytes of a row. */
export function rowBytes(row: FrameRow): Uint8Array {
  return fromHex(row.hex);
}

/** Frames in the notation of the vectors, as a peer of the given role is sent them. */
export function wireTo(role: Role, text: string): Uint8Array<ArrayBuffer> {
  return parseWire(text, { masked: role === "server" }).bytes;
}

/** The bytes whole, byte by byte, and cut in two: everywhere, or near both ends and here and there if they are long. */
export function* splits(bytes: Uint8Array): Generator<Uint8Array[], void> {
  if (bytes.length <= 1_024) return yield* everySplit(bytes);
  yield [bytes];
  yield Array.from(bytes, (_, at) => bytes.subarray(at, at + 1));
  for (let at = 1; at < bytes.length; at++) {
    const far = at > 20 && at < bytes.length - 20;
    if (!far || at % Math.ceil(bytes.length / 17) === 0) yield [bytes.subarray(0, at), bytes.subarray(at)];
  }
}
