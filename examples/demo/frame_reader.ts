/**
 * Reads one direction of a connection as it is on the wire: the HTTP head, then frames, byte for byte.
 *
 * This is no decoder: nothing is checked or unmasked. It only finds where each frame ends.
 *
 * @module
 */

/** The most of one frame that is kept, in bytes; of a longer one the page shows the beginning. */
const KEPT = 4_096;

/** A frame as it was sent (RFC 6455 §5.2). */
export interface WireFrame {
  /** The frame's bytes, header first; at most {@linkcode KEPT}. */
  readonly bytes: Uint8Array;
  /** How many bytes it has in all. */
  readonly size: number;
}

/** What is told of a direction: its head, once, then each frame. */
export interface WireEvents {
  head(text: string): void;
  frame(frame: WireFrame): void;
}

/** Cuts the bytes of one direction into a head and frames. */
export class FrameReader {
  readonly #events: WireEvents;
  #inHead = true;
  /** The beginning of the head or frame that is under way. */
  #kept: number[] = [];
  /** How many bytes of it have come. */
  #size = 0;

  constructor(events: WireEvents) {
    this.#events = events;
  }

  /** Takes what came; it may be cut anywhere, and is only read. */
  push(chunk: Uint8Array): void {
    for (let at = 0; at < chunk.length;) {
      at += this.#inHead ? this.#takeHeadByte(chunk[at]!) : this.#takeFrameBytes(chunk.subarray(at));
    }
  }

  #takeHeadByte(byte: number): number {
    this.#kept.push(byte);
    const end = this.#kept.slice(-4).join() === "13,10,13,10";
    if (end) {
      this.#events.head(String.fromCharCode(...this.#kept));
      this.#inHead = false;
      this.#kept = [];
    }
    return 1;
  }

  /** Takes a byte of the header, or as much as there is of the payload. */
  #takeFrameBytes(bytes: Uint8Array): number {
    const total = frameSize(this.#kept);
    const taken = total === undefined ? 1 : Math.min(total - this.#size, bytes.length);
    this.#size += taken;
    this.#kept.push(...bytes.subarray(0, Math.min(taken, KEPT - this.#kept.length)));
    if (this.#size === frameSize(this.#kept)) this.#finish();
    return taken;
  }

  #finish(): void {
    this.#events.frame({ bytes: Uint8Array.from(this.#kept), size: this.#size });
    this.#kept = [];
    this.#size = 0;
  }
}

/** How long a frame is, its header included; `undefined` while too little of the header is there. */
function frameSize(bytes: readonly number[]): number | undefined {
  const [, second] = bytes;
  if (second === undefined) return undefined;
  const form = second & 0x7f;
  const extended = form === 126 ? 2 : form === 127 ? 8 : 0;
  const header = 2 + extended + (second >= 0x80 ? 4 : 0);
  if (bytes.length < header) return undefined;
  const long = bytes.slice(2, 2 + extended).reduce((length, byte) => length * 256 + byte, 0);
  return header + (extended === 0 ? form : long);
}
