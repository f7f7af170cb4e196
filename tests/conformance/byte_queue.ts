/**
 * The bytes that a socket has received and nobody has taken yet.
 *
 * @module
 */

/** How a stream ended: by a FIN, or cut. */
export type StreamEnd = "FIN" | "reset";

/** Bytes on one side, whoever waits for them on the other. */
export class ByteQueue {
  readonly #chunks: Uint8Array[] = [];
  #size = 0;
  #end: StreamEnd | undefined;
  #wake: () => void = () => {};

  /** Puts bytes in at the back. */
  push(chunk: Uint8Array): void {
    this.#chunks.push(chunk);
    this.#size += chunk.length;
    this.#wake();
  }

  /** Says that no more will come; the first word counts. */
  end(how: StreamEnd): void {
    this.#end ??= how;
    this.#wake();
  }

  /** How the stream has ended, if it has. */
  get ended(): StreamEnd | undefined {
    return this.#end;
  }

  /** Takes `size` bytes off the front, waiting for them; rejects if the stream ends before. */
  async take(size: number): Promise<Uint8Array> {
    while (this.#size < size) {
      if (this.#end !== undefined) {
        throw new Error(
          `the stream ended (${this.#end}) where ${size} octets were to come, not ${this.#size}`,
        );
      }
      await new Promise<void>((resolve) => this.#wake = resolve);
    }
    const taken = new Uint8Array(size);
    for (let at = 0; at < size;) {
      const part = this.#chunks[0]!.subarray(0, size - at);
      taken.set(part, at);
      at += part.length;
      if (part.length === this.#chunks[0]!.length) this.#chunks.shift();
      else this.#chunks[0] = this.#chunks[0]!.subarray(part.length);
    }
    this.#size -= size;
    return taken;
  }

  /** Waits until there is something to take, or never will be: then it returns how the stream ended. */
  async untilMore(): Promise<StreamEnd | undefined> {
    while (this.#size === 0 && this.#end === undefined) {
      await new Promise<void>((resolve) => this.#wake = resolve);
    }
    return this.#size === 0 ? this.#end : undefined;
  }
}
