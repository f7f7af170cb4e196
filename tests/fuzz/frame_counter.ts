/**
 * Counts the messages in a stream of frames, knowing nothing but their headers.
 *
 * @module
 */

/** Counts what is complete of the bytes that it was given, however they are cut. */
export class FrameCounter {
  /** The data messages that came whole, before any Close. */
  messages = 0;
  #bytes: number[] = [];
  #payloadLeft = 0;
  #first = 0;
  #closed = false;

  /** Takes the next bytes. */
  push(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length && !this.#closed;) {
      if (this.#payloadLeft > 0) {
        const taken = Math.min(this.#payloadLeft, bytes.length - at);
        at += taken;
        this.#payloadLeft -= taken;
        if (this.#payloadLeft === 0) this.#count();
      } else {
        this.#bytes.push(bytes[at++]!);
        this.#readHeader();
      }
    }
  }

  #readHeader(): void {
    const header = this.#bytes;
    if (header.length < 2) return;
    const form = header[1]! & 0x7f;
    const extended = form === 126 ? 2 : form === 127 ? 8 : 0;
    const masked = (header[1]! & 0x80) !== 0;
    if (header.length < 2 + extended + (masked ? 4 : 0)) return;
    let length = extended === 0 ? form : 0;
    for (let i = 0; i < extended; i++) length = length * 256 + header[2 + i]!;
    this.#first = header[0]!;
    this.#bytes = [];
    this.#payloadLeft = length;
    if (length === 0) this.#count();
  }

  #count(): void {
    const opcode = this.#first & 0x0f;
    if (opcode === 8) this.#closed = true;
    else if (opcode < 8 && (this.#first & 0x80) !== 0) this.messages++;
  }
}
