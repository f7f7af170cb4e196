/**
 * Messages like those that pages and servers exchange: JSON, alike in shape and different in content.
 *
 * @module
 */

const NAMES = ["ada", "grace", "linus", "barbara", "edsger", "donald", "margaret", "ken"];
const WORDS = "the quick brown fox jumps over a lazy dog while seven wizards box with liquid jugs".split(" ");

/** Makes a message of exactly `size` bytes of ASCII; `seed` tells it from others. */
export function jsonMessage(size: number, seed: number): string {
  const next = random(seed);
  const items: object[] = [];
  for (let length = 0; length < size; length = JSON.stringify(items).length) {
    items.push({
      id: next(1_000_000),
      user: NAMES[next(NAMES.length)],
      at: new Date(1_700_000_000_000 + next(10_000_000) * 1_000).toISOString(),
      text: Array.from({ length: 2 + next(6) }, () => WORDS[next(WORDS.length)]).join(" "),
    });
  }
  return JSON.stringify(items).slice(0, size);
}

/** Makes a source of numbers that is the same each time. */
function random(seed: number): (below: number) => number {
  let state = seed * 2_654_435_761 + 1;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor(state / 2 ** 32 * below);
  };
}
