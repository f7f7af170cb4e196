/**
 * What was published and has not come back from the broker yet.
 *
 * With a history a message reaches the members here only when the broker has it. What does not come back was lost, or
 * nobody knows; whoever said it is told.
 *
 * @module
 */

/** How long a message is waited for, in milliseconds: longer than groups wait for their broker. */
const PATIENCE = 6_000;

/** Messages on their way, by their ids. */
export class Deliveries {
  readonly #waiting = new Map<string, { readonly timer: ReturnType<typeof setTimeout>; giveUp(): void }>();

  /** Waits for a message; if it does not come, `giveUp` is called, once. */
  expect(id: string, giveUp: () => void): void {
    const end = () => {
      this.came(id);
      giveUp();
    };
    this.#waiting.set(id, { timer: setTimeout(end, PATIENCE), giveUp: end });
  }

  /** Takes note that a message has come back; one that nobody waits for is no error. */
  came(id: string): void {
    clearTimeout(this.#waiting.get(id)?.timer);
    this.#waiting.delete(id);
  }

  /** Waits for nothing of what is on its way any longer. */
  giveUp(): void {
    for (const { giveUp } of this.#waiting.values()) giveUp();
  }

  /** Forgets everything, and calls nobody. */
  close(): void {
    for (const id of this.#waiting.keys()) this.came(id);
  }
}
