/**
 * Sorts octets into the classes that HTTP's grammar is made of: one table, one lookup per octet.
 *
 * @module
 */

/** Marks a `tchar`, what methods, header names and protocol names are made of (RFC 9110 §5.6.2). */
export const TOKEN = 1;
/** Marks what a header value may hold: HTAB, SP, visible ASCII and obs-text (RFC 9110 §5.5). */
export const FIELD = 2;
/** Marks visible ASCII, all that a request target may hold (RFC 9112 §3.2). */
export const VISIBLE = 4;
/** Marks the 64 digits of base64 (RFC 4648 §4). */
export const BASE64 = 8;
/** Marks `0` to `9`. */
export const DIGIT = 16;
/** Marks what a host name may hold: unreserved and sub-delims, no percent-encoding (RFC 3986 §3.2.2). */
export const HOST_NAME = 32;
/** Marks what an IPv6 address in brackets may hold (RFC 3986 §3.2.2). */
export const IPV6 = 64;

/** Is HTAB. */
export const HTAB = 0x09;
/** Is LF. */
export const LF = 0x0a;
/** Is CR. */
export const CR = 0x0d;
/** Is SP. */
export const SP = 0x20;

const DIGITS = "0123456789";
const LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

const CLASSES: Uint8Array = makeClasses();

function makeClasses(): Uint8Array {
  const classes = new Uint8Array(256);
  const mark = (members: string, octetClass: number) => {
    for (let i = 0; i < members.length; i++) classes[members.charCodeAt(i)]! |= octetClass;
  };
  mark(DIGITS + LETTERS + "!#$%&'*+-.^_`|~", TOKEN);
  mark(DIGITS + LETTERS + "+/", BASE64);
  mark(DIGITS, DIGIT);
  mark(DIGITS + LETTERS + "-._~!$&'()*+,;=", HOST_NAME);
  mark(DIGITS + "ABCDEFabcdef:.", IPV6);
  mark("\t ", FIELD);
  for (let octet = 0x21; octet < 0x7f; octet++) classes[octet]! |= FIELD | VISIBLE;
  for (let octet = 0x80; octet < 0x100; octet++) classes[octet]! |= FIELD;
  return classes;
}

/**
 * Lists the bytes of a class, or of a text.
 *
 * @param members One of the classes of this module, or a text in latin-1.
 * @returns Their values.
 */
export function bytesOf(members: number | string): number[] {
  if (typeof members === "string") return Array.from(members, (member) => member.charCodeAt(0));
  return [...CLASSES.keys()].filter((byte) => (CLASSES[byte]! & members) !== 0);
}

/**
 * Tells whether all of a text is of one class; a character above U+00FF is of none, and so is an empty text.
 *
 * @param text What to look through.
 * @param octetClass One of the classes of this module.
 * @param from Where to begin.
 * @param stop Where to end.
 * @returns Whether there is a character and each is of the class.
 */
export function isAll(text: string, octetClass: number, from = 0, stop: number = text.length): boolean {
  for (let at = from; at < stop; at++) {
    // The table ends at U+00FF, and so do all classes.
    if (((CLASSES[text.charCodeAt(at)] ?? 0) & octetClass) === 0) return false;
  }
  return from < stop;
}
