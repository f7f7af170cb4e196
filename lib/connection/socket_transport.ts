/**
 * The half of a {@linkcode Transport} that all sockets share: pausing, and keeping order.
 *
 * @module
 */

import type { RemoteAddress, Transport, TransportSink } from "./transport.ts";

/** Hears what happens before anyone has taken over: a socket may be gone by then. */
const NOBODY: TransportSink = {
  data() {},
  drain() {},
  flush() {},
  goOn() {},
  end() {},
  gone() {},
};

/**
 * Holds back what is read while paused.
 *
 * The socket itself is only told to stop when something does arrive. Pausing for the blink of a handshake so costs
 * nothing, and a peer that vanishes meanwhile is noticed.
 */
export abstract class SocketTransport implements Transport {
  sink: TransportSink = NOBODY;
  open = true;
  abstract readonly remoteAddress: RemoteAddress | undefined;
  abstract readonly secure: boolean;

  #paused = true;
  #stopped = false;
  /** What was read while paused; made when that happens. */
  #held: Uint8Array[] | undefined;
  /** Whether the peer's end has been read: it may have to be held back too. */
  #ended: "no" | "held" | "told" = "no";

  abstract write(bytes: Uint8Array): boolean;
  abstract shutdown(): void;
  abstract destroy(): void;
  abstract defer(): void;
  abstract yield(): void;

  resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    if (this.#held !== undefined || this.#ended === "held") queueMicrotask(() => this.#release());
    else this.#restart();
  }

  pause(): void {
    this.#paused = true;
  }

  /** Makes the socket read no more; called when something was read while paused. */
  protected abstract stopReading(): void;
  /** Makes it read again. */
  protected abstract startReading(): void;

  /** Tells where to read to, if the sink knows. */
  nextBuffer(): Uint8Array | undefined {
    return this.#paused || this.#held !== undefined ? undefined : this.sink.readTarget?.nextBuffer();
  }

  /** Takes bytes from the socket, which must not write to them again. */
  received(bytes: Uint8Array): void {
    const rest = this.#paused || this.#held !== undefined ? bytes : this.deliver(bytes);
    if (rest === undefined) return;
    (this.#held ??= []).push(rest);
    if (this.#stopped) return;
    this.#stopped = true;
    this.stopReading();
  }

  /** Hands bytes to the sink; returns what has to wait, the sink having paused in the middle of them. */
  protected deliver(bytes: Uint8Array): Uint8Array | undefined {
    this.sink.data(bytes);
    return undefined;
  }

  /** Whether nothing may be handed on. */
  protected get paused(): boolean {
    return this.#paused;
  }

  /** Takes note that the peer ended its direction. */
  protected peerEnded(): void {
    if (this.#ended !== "no") return;
    this.#ended = "held";
    if (!this.#paused && this.#held === undefined) this.#tellEnd();
  }

  /** Takes note that the socket is gone. */
  protected lost(error?: unknown): void {
    if (!this.open) return;
    this.open = false;
    this.sink.gone(error);
  }

  takeUnread(): readonly Uint8Array[] {
    if (this.open || this.#held === undefined) return [];
    const held = this.#held;
    this.#held = undefined;
    return held;
  }

  #release(): void {
    while (this.open && !this.#paused && this.#held !== undefined) {
      const bytes = this.#held.shift()!;
      if (this.#held.length === 0) this.#held = undefined;
      const rest = this.deliver(bytes);
      if (rest !== undefined) (this.#held ??= []).unshift(rest);
    }
    if (!this.open || this.#paused) return;
    if (this.#ended === "held") this.#tellEnd();
    else this.#restart();
  }

  #restart(): void {
    if (!this.#stopped) return;
    this.#stopped = false;
    this.startReading();
  }

  #tellEnd(): void {
    this.#ended = "told";
    this.sink.end();
  }
}
