/**
 * Says on stderr what is being measured: one line that changes on a terminal, else a line for each thing.
 *
 * @module
 */

import process from "node:process";

/** Where a benchmark says how far it is. */
export class Progress {
  readonly #terminal = process.stderr.isTTY === true;
  #subject = "";

  /** Says what comes next. */
  begin(subject: string): void {
    this.#subject = subject;
    if (this.#terminal) this.#draw(subject);
    else process.stderr.write(`${subject}\n`);
  }

  /** Says how far it is; not worth a line of its own in a log. */
  say(detail: string): void {
    if (this.#terminal) this.#draw(`${this.#subject}: ${detail}`);
  }

  /** Clears the line. */
  end(): void {
    if (this.#terminal) this.#draw("");
  }

  #draw(line: string): void {
    process.stderr.write(`\r\x1b[K${line.slice(0, (process.stderr.columns ?? 80) - 1)}`);
  }
}
