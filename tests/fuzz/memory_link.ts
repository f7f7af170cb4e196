/**
 * Two transports joined in memory. Nothing moves by itself: a test says how many bytes arrive, when a write is done, and
 * when a turn of the event loop is over.
 *
 * @module
 */

import { SocketTransport } from "../../lib/connection/socket_transport.ts";

/** One end of a link. */
export class LinkEnd extends SocketTransport {
  readonly remoteAddress = undefined;
  readonly secure = false;
  /** Whether writes wait for {@linkcode LinkEnd.finishWrite}. */
  slow = false;
  /** Looks at each chunk as it arrives. */
  onDelivered: (bytes: Uint8Array) => void = () => {};
  peer!: LinkEnd;

  /** What the peer has written and this end has not been given. */
  #arriving: Uint8Array[] = [];
  #writing = false;
  #reading = true;
  /** What the peer's kernel sends after its last byte. */
  #endOfPeer: "open" | "ended" | "reset" = "open";
  #endDelivered = false;
  #tasks: (() => void)[] = [];

  write(bytes: Uint8Array): boolean {
    if (!this.open) return false;
    // After a reset the kernel takes bytes, and they arrive nowhere.
    if (this.#endOfPeer !== "reset") this.peer.#arriving.push(new Uint8Array(bytes));
    this.#writing = this.slow;
    return !this.slow;
  }

  shutdown(): void {
    if (this.open && this.peer.#endOfPeer === "open") this.peer.#endOfPeer = "ended";
  }

  destroy(): void {
    if (!this.open) return;
    this.peer.#endOfPeer = "reset";
    this.#tasks.push(() => this.lost());
  }

  defer(): void {
    this.#tasks.push(() => this.open && this.sink.flush());
  }

  yield(): void {
    this.#tasks.push(() => this.open && this.sink.goOn());
  }

  protected stopReading(): void {
    this.#reading = false;
  }

  protected startReading(): void {
    this.#reading = true;
  }

  /** Ends the write under way; tells whether there was one. */
  finishWrite(): boolean {
    const writing = this.#writing;
    this.#writing = false;
    if (writing && this.open) this.sink.drain();
    return writing;
  }

  /** Runs what waits for the end of the turn; tells whether there was anything. */
  finishTurn(): boolean {
    const tasks = this.#tasks;
    this.#tasks = [];
    for (const task of tasks) task();
    return tasks.length > 0;
  }

  /** Delivers up to so many bytes as one chunk, or else the end of the stream; tells whether there was anything. */
  arrive(most: number): boolean {
    if (!this.open || !this.#reading) return false;
    if (this.#arriving.length > 0) {
      this.#deliverBytes(most);
      return true;
    }
    if (this.#endDelivered || this.#endOfPeer === "open") return false;
    this.#endDelivered = true;
    if (this.#endOfPeer === "ended") this.peerEnded();
    else this.lost(new Error("reset"));
    return true;
  }

  /** Resets both ends; bytes under way are lost. */
  cut(): void {
    for (const end of [this, this.peer]) {
      end.#arriving = [];
      end.#endOfPeer = "reset";
      end.#endDelivered = false;
    }
  }

  #deliverBytes(most: number): void {
    const first = this.#arriving[0]!;
    // As a socket does that is told where to read to.
    const target = this.nextBuffer() ?? new Uint8Array(first.length);
    const bytes = target.subarray(0, Math.min(most, first.length, target.length));
    bytes.set(first.subarray(0, bytes.length));
    if (bytes.length === first.length) this.#arriving.shift();
    else this.#arriving[0] = first.subarray(bytes.length);
    this.onDelivered(bytes);
    this.received(bytes);
  }
}

/** Joins two ends. */
export function makeLink(): [LinkEnd, LinkEnd] {
  const ends: [LinkEnd, LinkEnd] = [new LinkEnd(), new LinkEnd()];
  [ends[0].peer, ends[1].peer] = [ends[1], ends[0]];
  return ends;
}
