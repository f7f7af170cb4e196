/**
 * A synchronous codec as a pair of streams.
 *
 * @module
 */

/** Turns chunks into items, any number for each chunk. */
export interface Codec<I, O> {
  /** Takes a chunk; called only when `next` has used up the one before. */
  push(chunk: I): void;
  /** Returns the next item, or `undefined` when the chunk is used up. What it throws ends the stream. */
  next(): O | undefined;
  /** Takes note that no chunk follows; may throw if that is too early. */
  end(): void;
  /** Whether no item will ever follow; chunks that still come are discarded. */
  readonly done?: boolean;
}

/**
 * Drives a codec from its readable side.
 *
 * A `TransformStream` loses what its `transform` has enqueued when it then throws. Here the error waits until the
 * reader has taken every item that stood before it. At most one chunk waits, and the items of one chunk.
 */
export class CodecStream<I, O> implements TransformStream<I, O> {
  /** Where the items come out. */
  readonly readable: ReadableStream<O>;
  /** Where the chunks go in: a write is done when its chunk is used up. */
  readonly writable: WritableStream<I>;

  readonly #codec: Codec<I, O>;
  #source!: ReadableStreamDefaultController<O>;
  #sink!: WritableStreamDefaultController;
  #fault: { readonly error: unknown } | undefined;
  #ended = false;
  /** Ends the wait of the reader for a chunk, and that of the writer for its use. */
  #wakeReader: (() => void) | undefined;
  #wakeWriter: (() => void) | undefined;

  /**
   * Makes the pair.
   *
   * @param codec What turns chunks into items; it is the pair's alone.
   */
  constructor(codec: Codec<I, O>) {
    this.#codec = codec;
    this.readable = new ReadableStream<O>({
      start: (controller) => void (this.#source = controller),
      pull: () => this.#pull(),
      cancel: (reason) => this.#fail(reason),
    }, { highWaterMark: 0 });
    this.writable = new WritableStream<I>({
      start: (controller) => void (this.#sink = controller),
      write: (chunk) => this.#write(chunk),
      close: () => this.#close(),
      abort: (reason) => this.#source.error(reason),
    });
  }

  async #write(chunk: I): Promise<void> {
    if (this.#codec.done) return;
    try {
      this.#codec.push(chunk);
    } catch (error) {
      this.#fault = { error }; // for the reader; the writer has it from here
      throw error;
    } finally {
      this.#wakeReader?.();
    }
    await new Promise<void>((resolve) => this.#wakeWriter = resolve);
  }

  #close(): void {
    this.#ended = true;
    try {
      if (!this.#codec.done) this.#codec.end();
    } catch (error) {
      this.#fault = { error };
    }
    this.#wakeReader?.();
  }

  /** Enqueues what the codec has; waits for a chunk if that is nothing. The stream calls it when its queue is empty. */
  async #pull(): Promise<void> {
    for (;;) {
      if (this.#fault !== undefined) throw this.#fault.error;
      const enqueued = this.#drain();
      if (this.#codec.done || this.#ended && this.#fault === undefined) return this.#source.close();
      if (enqueued) return;
      if (this.#fault === undefined) await new Promise<void>((resolve) => this.#wakeReader = resolve);
    }
  }

  /** Moves all items of the chunk at hand to the reader's queue; tells whether there were any. */
  #drain(): boolean {
    let enqueued = false;
    try {
      for (let item = this.#codec.next(); item !== undefined; item = this.#codec.next()) {
        this.#source.enqueue(item);
        enqueued = true;
      }
      this.#wakeWriter?.();
    } catch (error) {
      this.#fail(error);
    }
    return enqueued;
  }

  /** Stops both ends: the writer at once, the reader when it has taken what is in its queue. */
  #fail(error: unknown): void {
    this.#fault = { error };
    this.#sink.error(error);
    this.#wakeWriter?.();
  }
}
