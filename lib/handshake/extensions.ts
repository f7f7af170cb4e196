/**
 * The grammar of `Sec-WebSocket-Extensions` (RFC 6455 §9.1).
 *
 * @module
 */

/** One extension, as offered or agreed on. */
export interface Extension {
  /** Its name, as it was sent. */
  readonly name: string;
  /** Its parameters in their order, doubled ones too; a value is `undefined` where there was none. */
  readonly parameters: readonly (readonly [name: string, value: string | undefined])[];
}

/** The octets of a token (RFC 9110 §5.6.2). */
const TOKEN = new Set("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ");

/**
 * Parses a list of extensions, in time linear in its length.
 *
 * @param header The value of the header; of several lines, all of them joined with commas.
 * @returns The extensions in their order, or `undefined` if the grammar is broken.
 */
export function parseExtensions(header: string): Extension[] | undefined {
  const reader = new Reader(header);
  const extensions: Extension[] = [];
  do {
    const extension = readExtension(reader);
    if (extension === undefined) return undefined;
    extensions.push(extension);
  } while (reader.take(","));
  return reader.atEnd ? extensions : undefined;
}

/** Writes one extension. */
export function formatExtension({ name, parameters }: Extension): string {
  return [name, ...parameters.map(([name, value]) => value === undefined ? name : `${name}=${value}`)].join(
    "; ",
  );
}

function readExtension(reader: Reader): Extension | undefined {
  const name = reader.token();
  if (name === "") return undefined;
  const parameters: [string, string | undefined][] = [];
  while (reader.take(";")) {
    const parameter = reader.token();
    if (parameter === "") return undefined;
    const value = reader.take("=") ? reader.value() : undefined;
    if (value === "") return undefined;
    parameters.push([parameter, value]);
  }
  return { name, parameters };
}

/** Reads a header from left to right; white space around what it reads is skipped. */
class Reader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
    this.#skipSpace();
  }

  get atEnd(): boolean {
    return this.#at === this.#text.length;
  }

  /** Takes a delimiter, if it is next. */
  take(delimiter: string): boolean {
    if (this.#text[this.#at] !== delimiter) return false;
    this.#at++;
    this.#skipSpace();
    return true;
  }

  /** Takes a token; empty if none is next. */
  token(): string {
    const start = this.#at;
    while (!this.atEnd && TOKEN.has(this.#text[this.#at]!)) this.#at++;
    const token = this.#text.slice(start, this.#at);
    this.#skipSpace();
    return token;
  }

  /** Takes a token, or a quoted string whose content is one (§9.1); empty if neither is next. */
  value(): string {
    if (this.#text[this.#at] !== '"') return this.token();
    this.#at++;
    let value = "";
    while (!this.atEnd && this.#text[this.#at] !== '"') {
      if (this.#text[this.#at] === "\\") this.#at++;
      const octet = this.#text[this.#at++];
      if (octet === undefined || !TOKEN.has(octet)) return "";
      value += octet;
    }
    return this.take('"') ? value : "";
  }

  #skipSpace(): void {
    while (this.#text[this.#at] === " " || this.#text[this.#at] === "\t") this.#at++;
  }
}
