/**
 * How a connection ended, and who is to be told.
 *
 * @module
 */

import { WebSocketError } from "../errors.ts";
import type { CloseInfo } from "../protocol/close_payload.ts";
import { Deferred } from "./deferred.ts";

export type { CloseInfo } from "../protocol/close_payload.ts";

/** Is told of the end of a connection. */
export interface ConnectionObserver {
  /** Takes note that the connection is closed, and how. */
  closed(end: CloseInfo | WebSocketError): void;
  /** Takes note that the stream is gone and nothing of the connection is left. */
  gone(): void;
}

/** Something of a connection's that may keep the peer's end from being answered. */
export interface EndHolder {
  /** Keeps it from being answered while something is about to be sent. */
  holdEnd(): void;
  /** Lets go of it: to be called once for each {@linkcode EndHolder.holdEnd}. */
  releaseEnd(): void;
}

/** How a connection ended: it is told once. The promise is only made when somebody asks for it. */
export class CloseState {
  #end: CloseInfo | WebSocketError | undefined;
  #promise: Deferred<CloseInfo> | undefined;
  #observer: ConnectionObserver | undefined;
  #onEnd: ((end: CloseInfo | WebSocketError) => void) | undefined;

  /** Whether it is known. */
  get settled(): boolean {
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
      this.#settlePromise();
    }
    return this.#promise.promise;
  }

  /** Tells of the end. */
  settle(end: CloseInfo | WebSocketError): void {
    this.#end = end;
    this.#onEnd?.(end);
    this.#settlePromise();
    this.#observer?.closed(end);
  }

  /** Tells that nothing of the connection is left. */
  tellGone(): void {
    this.#observer?.gone();
  }

  /** Sets what is called at the end, be it past or to come. */
  listen(onEnd: (end: CloseInfo | WebSocketError) => void): void {
    if (this.#end === undefined) this.#onEnd = onEnd;
    else onEnd(this.#end);
  }

  /** Sets who is told of the end, if that has come already at once. */
  observe(observer: ConnectionObserver): void {
    this.#observer = observer;
    if (this.#end !== undefined) observer.closed(this.#end);
  }

  #settlePromise(): void {
    const end = this.#end;
    if (end instanceof WebSocketError) this.#promise?.reject(end);
    else if (end !== undefined) this.#promise?.resolve(end);
  }
}
