/**
 * Holds the header lines of one head in the order in which they came.
 *
 * The platform's `Headers` joins lines of one name on the way in, and then nobody can tell two `Host` lines from one.
 *
 * @module
 */

const NOTHING: never[] = [];

/** Keeps header lines as pairs of a lower-case name and a value, in order and unjoined (RFC 9110 §5.2). */
export class HeaderFields implements Iterable<[string, string]> {
  // Name, value, name, value: a head has a dozen lines, and a walk over one flat list beats hashing them.
  #list: string[] = [];
  /** The same in one string, in place of the list. */
  #packed: string | undefined;

  get #lines(): string[] {
    if (this.#packed !== undefined) {
      this.#list = this.#packed.split("\n");
      this.#packed = undefined;
    }
    return this.#list;
  }

  /** Makes ready for being kept: the lines take a quarter of the memory, until somebody asks for one again. */
  pack(): void {
    if (this.#list.length === 0) return;
    // No line has a line feed in it.
    this.#packed = this.#list.join("\n");
    this.#list = NOTHING;
  }

  /** Counts the lines. */
  get size(): number {
    return this.#lines.length / 2;
  }

  /**
   * Adds a line behind the others.
   *
   * @param name Its name, in any case.
   * @param value Its value, without the white space around it.
   */
  append(name: string, value: string): void {
    this.#lines.push(name.toLowerCase(), value);
  }

  /**
   * Gets the value of the only or the first line of a name.
   *
   * @param name In lower case.
   * @returns The value, or undefined when there is no such line.
   */
  get(name: string): string | undefined {
    return this.getAll(name)[0];
  }

  /**
   * Gets the values of all lines of a name.
   *
   * @param name In lower case.
   * @returns The values in their order; the caller's own array.
   */
  getAll(name: string): string[] {
    const lines = this.#lines;
    const values: string[] = [];
    for (let at = 0; at < lines.length; at += 2) {
      if (lines[at] === name) values.push(lines[at + 1]!);
    }
    return values;
  }

  /**
   * Counts the lines of a name.
   *
   * @param name In lower case.
   * @returns How many there are.
   */
  count(name: string): number {
    return this.getAll(name).length;
  }

  /**
   * Joins the values of all lines of a name, as a header that is defined as a list allows (RFC 9110 §5.3).
   *
   * @param name In lower case.
   * @returns The values with `", "` between them, or undefined when there is no such line.
   */
  list(name: string): string | undefined {
    const values = this.getAll(name);
    return values.length === 0 ? undefined : values.join(", ");
  }

  /**
   * Tells whether there is a line of a name.
   *
   * @param name In lower case.
   * @returns Whether there is one or more.
   */
  has(name: string): boolean {
    return this.get(name) !== undefined;
  }

  /**
   * Copies the lines into the platform's own container. Several `Cookie` lines become one, joined by `; ` (RFC 6265
   * §5.4, RFC 9113 §8.2.3): not every platform does that.
   *
   * @returns New `Headers`.
   * @throws {TypeError} Where a name or value is none; what a head parser has read always is.
   */
  toHeaders(): Headers {
    const headers = new Headers();
    for (const [name, value] of this) {
      if (name !== "cookie") headers.append(name, value);
    }
    const cookies = this.getAll("cookie");
    if (cookies.length > 0) headers.set("cookie", cookies.join("; "));
    return headers;
  }

  /** Walks over the lines, as pairs of a lower-case name and a value. */
  *[Symbol.iterator](): Generator<[string, string], void> {
    const lines = this.#lines;
    for (let at = 0; at < lines.length; at += 2) yield [lines[at]!, lines[at + 1]!];
  }
}
