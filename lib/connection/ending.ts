/**
 * The end of a connection, and who is to hear of it.
 *
 * @module
 */

import { WebSocketError } from "../errors.ts";
import type { CloseInfo } from "../protocol/close_payload.ts";
import { Deadline } from "./deadline.ts";
import { Deferred } from "./deferred.ts";
import type { Transport } from "./transport.ts";

export type { CloseInfo } from "../protocol/close_payload.ts";

/** Hears of the end of a connection. */
export interface ConnectionObserver {
  /** Takes note that the connection is closed, and how. */
  closed(end: CloseInfo | WebSocketError): void;
  /** Takes note that the stream is gone and nothing of the connection is left. */
  gone(): void;
}

/** How a connection ended: it is told once. The promise is only made when somebody asks for it. */
export class Ending {
  #end: CloseInfo | WebSocketError | undefined;
  #promise: Deferred<CloseInfo> | undefined;
  #observer: ConnectionObserver | undefined;
  #onEnd: ((end: CloseInfo | WebSocketError) => void) | undefined;
  /** Until when the stream must be gone. */
  #deadline: Deadline | undefined;
  /** Whether the peer has ended its direction of the stream, and whether we have ended ours. */
  peerEnded = false;
  #shutDown = false;

  /** Whether it has come. */
  get known(): boolean {
    return this.#end !== undefined;
  }

  /** What the connection failed with, if it did. */
  get error(): WebSocketError | undefined {
    return this.#end instanceof WebSocketError ? this.#end : undefined;
  }

  /** Settles with the end. */
  get promise(): Promise<CloseInfo> {
    if (this.#promise === undefined) {
      this.#promise = new Deferred();
      this.#settle();
    }
    return this.#promise.promise;
  }

  /** Tells of the end. */
  tell(end: CloseInfo | WebSocketError): void {
    this.#end = end;
    this.#onEnd?.(end);
    this.#settle();
    this.#observer?.closed(end);
  }

  /** Runs something if the stream is not gone within a time. */
  expect(time: number, onLate: () => void): void {
    this.#deadline ??= new Deadline(time, onLate);
  }

  /**
   * Ends the stream once all frames are sent.
   *
   * @param transport The stream.
   * @param options `first`: whether we need not wait for the peer to do so.
   */
  finish(transport: Transport, { first }: { first: boolean }): void {
    if ((first || this.peerEnded) && !this.#shutDown) {
      this.#shutDown = true;
      transport.shutdown();
    }
    if (this.peerEnded) transport.destroy();
  }

  /** Tells that nothing of the connection is left. */
  tellGone(): void {
    this.#deadline?.stop();
    this.#deadline = undefined;
    this.#observer?.gone();
  }

  /** Sets what is called at the end, be it past or to come. */
  listen(onEnd: (end: CloseInfo | WebSocketError) => void): void {
    if (this.#end === undefined) this.#onEnd = onEnd;
    else onEnd(this.#end);
  }

  /** Sets who hears of the end, if that has come already at once. */
  observe(observer: ConnectionObserver): void {
    this.#observer = observer;
    if (this.#end !== undefined) observer.closed(this.#end);
  }

  #settle(): void {
    const end = this.#end;
    if (end instanceof WebSocketError) this.#promise?.reject(end);
    else if (end !== undefined) this.#promise?.resolve(end);
  }
}
