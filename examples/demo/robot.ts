/**
 * The robot of the chat room: what it answers, and to what.
 *
 * @module
 */

/** What it is called. */
export const ROBOT = "robot";

/** What it knows how to answer, the first that fits. */
const ANSWERS: readonly (readonly [RegExp, (asked: Asked) => string])[] = [
  [
    /\bhelp\b/i,
    () =>
      "Ask me for the time, who is here, a dice, or a joke. With /to and a name, only one person reads it.",
  ],
  [/\btime\b/i, () => `It is ${new Date().toISOString().slice(11, 19)} UTC.`],
  [/\bwho\b/i, ({ people }) => `Here are: ${people.join(", ")}.`],
  [/\b(?:dice|roll)\b/i, () => `You rolled a ${1 + crypto.getRandomValues(new Uint8Array(1))[0]! % 6}.`],
  [/\bjoke\b/i, () => "I would tell you one about UDP, but you might not get it."],
  [/\b(?:hi|hello|hey|hallo)\b/i, ({ name }) => `Hello ${name}! Say “robot, help” to see what I know.`],
  [/\bthank/i, () => "You are welcome."],
  [/\bping\b/i, () => "pong"],
];

/** Who says what to the robot. */
interface Asked {
  readonly text: string;
  readonly name: string;
  /** Who is in the room. */
  readonly people: readonly string[];
}

/** Tells whether a text to all is for the robot. */
export function isForRobot(text: string): boolean {
  return /\brobot\b/i.test(text) || /^(?:hi|hello|hey|hallo)\b/i.test(text);
}

/** Finds an answer. */
export function answer(asked: Asked): string {
  const found = ANSWERS.find(([pattern]) => pattern.test(asked.text));
  return found?.[1](asked) ?? "I do not know about that yet. Try “robot, help”.";
}
