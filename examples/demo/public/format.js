/**
 * Pure helpers that turn sizes, times and bytes into words. Nothing here touches the page.
 *
 * @module
 */

const encoder = new TextEncoder();
const grouped = new Intl.NumberFormat("en");
const clock = new Intl.DateTimeFormat("en-GB", {
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
  fractionalSecondDigits: 3,
  hourCycle: "h23",
});

const UNITS = ["kB", "MB", "GB"];

const CLOSE_CODES = new Map([
  [1000, "normal closure"],
  [1001, "going away"],
  [1002, "protocol error"],
  [1003, "unsupported data"],
  [1007, "invalid payload"],
  [1008, "policy violation"],
  [1009, "message too big"],
  [1010, "extension missing"],
  [1011, "internal error"],
  [1012, "service restart"],
  [1013, "try again later"],
  [1014, "bad gateway"],
]);

/** The most that fits in a Close frame beside its code: 125 bytes less 2. */
export const MAX_REASON_BYTES = 123;

/** The length of a text on the wire. */
export function byteLength(text) {
  return encoder.encode(text).length;
}

/** `count(1, "byte")` is `1 byte`, `count(70000, "byte")` is `70,000 bytes`. */
export function count(number, noun) {
  return `${grouped.format(number)} ${noun}${number === 1 ? "" : "s"}`;
}

/** The size at a glance, then exactly: `10 bytes`, `70.0 kB (70,000 bytes)`. */
export function formatBytes(bytes) {
  if (bytes < 1000) return count(bytes, "byte");
  // 999,950 already rounds to 1000.0, so the next unit starts there.
  let value = bytes / 1000;
  let unit = 0;
  while (value >= 999.95 && unit < UNITS.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${value.toFixed(1)} ${UNITS[unit]} (${count(bytes, "byte")})`;
}

/** `14:03:22.123`, in the reader's own time zone. */
export function formatTime(date) {
  return clock.format(date);
}

/** `0.8 ms`, `42 ms`, `1.25 s`: about three figures, because a browser's clock gives no more. */
export function formatDuration(milliseconds) {
  if (milliseconds >= 1000) return `${(milliseconds / 1000).toFixed(2)} s`;
  return `${milliseconds.toFixed(milliseconds < 10 ? 1 : 0)} ms`;
}

/** The first bytes in hex, with an ellipsis where some are left out. */
export function hexPreview(bytes, limit = 32) {
  const shown = Array.from(bytes.subarray(0, limit), (byte) => byte.toString(16).padStart(2, "0"));
  if (bytes.length > limit) shown.push("…");
  return shown.join(" ");
}

/** The start of a text, with an ellipsis where some is left out. */
export function textPreview(text, limit = 280) {
  if (text.length <= limit) return text;
  // Half of a surrogate pair would show as a broken character.
  return text.slice(0, limit).replace(/[\uD800-\uDBFF]$/, "") + "…";
}

/** Tells how a connection ended, from the `CloseEvent` and from what the page knows. */
export function describeClose({ code, reason, wasClean }, { opened, asked }) {
  if (!opened && asked) return `Given up before it opened (code ${code}, not clean).`;
  if (!opened) return `No connection was made (code ${code}, not clean). Is the server there?`;
  const ending = describeCode(code) + (reason === "" ? "." : `, reason “${reason}”.`);
  if (wasClean) return `Cleanly, by ${asked ? "this page" : "the server"}: ${ending}`;
  if (asked) return `Not cleanly, the server did not answer the close: ${ending}`;
  return `Connection lost, not closed cleanly: ${ending}`;
}

/** `code 1000 (normal closure)`. */
export function describeCode(code) {
  if (code === 1005) return "no code (1005)";
  if (code === 1006) return "code 1006 (no Close frame came)";
  const name = CLOSE_CODES.get(code) ?? (code >= 4000 ? "private use" : "registered use");
  return `code ${code} (${name})`;
}

/** What is wrong with a code and a reason that a page wants to close with: empty strings when nothing is. */
export function closeProblems(code, reason) {
  return { code: codeProblem(code, reason), reason: reasonProblem(reason) };
}

function codeProblem(code, reason) {
  if (code === "") return reason === "" ? "" : "A reason needs a code in front of it.";
  if (code === "1000" || /^[34]\d{3}$/.test(code)) return "";
  return "A browser lets a page close only with 1000, or with 3000 to 4999.";
}

function reasonProblem(reason) {
  const bytes = byteLength(reason);
  if (bytes <= MAX_REASON_BYTES) return "";
  return `The reason has ${count(bytes, "byte")}; ${MAX_REASON_BYTES} fit in a Close frame.`;
}
