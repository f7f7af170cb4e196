/**
 * Finding the option that a misspelt one was probably meant to be.
 *
 * @module
 */

/** Names are compared up to here, so that a long one costs no more than a short one. */
const MAX_COMPARED = 32;

/** What other libraries call some options, in lower case. */
const OTHER_NAMES: ReadonlyMap<string, string> = new Map([
  ["maxpayload", "maxMessageSize"],
  ["maxpayloadlength", "maxMessageSize"],
  ["permessagedeflate", "compression"],
  ["verifyclient", "authorize"],
  ["handleprotocols", "protocols"],
  ["idletimeout", "keepalive"],
  ["heartbeat", "keepalive"],
  ["host", "hostname"],
]);

/**
 * Finds the known name that is nearest to another one: what other libraries' name for it stands for, else the one with
 * the fewest letters to change. Case counts for nothing.
 *
 * @param name The unknown name.
 * @param known At least one name.
 */
export function nearestName(name: string, known: readonly string[]): string {
  const lowercased = name.slice(0, MAX_COMPARED).toLowerCase();
  const other = OTHER_NAMES.get(lowercased);
  if (other !== undefined && known.includes(other)) return other;
  const distances = known.map((candidate) => distance(lowercased, candidate.toLowerCase()));
  return known[distances.indexOf(Math.min(...distances))]!;
}

/** How many letters have to be put in, left out or changed to make one text of the other (Levenshtein). */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const changed = row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(changed, row[j]! + 1, next[j - 1]! + 1));
    }
    row = next;
  }
  return row[b.length]!;
}
