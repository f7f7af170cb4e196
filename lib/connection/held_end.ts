/**
 * The end of what a peer sends, a Close or a fault, from when it has come to when it is answered.
 *
 * @module
 */

import { Deadline } from "./deadline.ts";
import { queueTask } from "./task.ts";

/** What a {@linkcode HeldEnd} asks of its connection. */
export interface HeldEndOwner {
  /** Whether everything before it is dealt with: received messages are read, what was given to be sent is encoded. */
  readonly endIsDue: boolean;
  /** Answers it. */
  answerEnd(): void;
}

/** Something of a connection's that may keep an end from being answered. */
export interface EndHolder {
  /** Keeps an end from being answered while something is about to be sent. */
  holdEnd(): void;
  /** Lets go of it: to be called once for each {@linkcode EndHolder.holdEnd}. */
  releaseEnd(): void;
}

/**
 * Waits for the turn of an end, at most for a time.
 *
 * Whether it is due is looked at in a task of its own, one that was queued after the last message was taken. By then
 * whoever has been handed the connection has begun to read it; what was read has passed through streams that transform it;
 * and tasks that a reader queued for its messages have run, and sent what they had to.
 */
export class HeldEnd {
  readonly #owner: HeldEndOwner;
  readonly #deadline: Deadline;
  #scheduled = false;
  /** Whether something has changed since that was scheduled. */
  #again = false;
  #over = false;

  /**
   * Begins to wait.
   *
   * @param owner Whose end it is.
   * @param time How long it may wait, in milliseconds.
   */
  constructor(owner: HeldEndOwner, time: number) {
    this.#owner = owner;
    this.#deadline = new Deadline(time, () => owner.answerEnd());
    this.consider();
  }

  /** Looks whether it is due, in a moment: something may have changed. */
  consider(): void {
    this.#again = this.#scheduled;
    if (this.#scheduled) return;
    this.#scheduled = true;
    queueTask(() => this.#look());
  }

  #look(): void {
    this.#scheduled = false;
    if (this.#over) return;
    if (this.#again) this.consider();
    else if (this.#owner.endIsDue) this.#owner.answerEnd();
  }

  /** Stops waiting. */
  stop(): void {
    this.#over = true;
    this.#deadline.stop();
  }
}
