/**
 * Names of groups and of members, and the channels of a broker that stand for them.
 *
 * @module
 */

/** What a name is the name of: a group, or a member; or of nothing, for what goes to everyone. */
export type TopicKind = "group" | "member" | "all";

/** What something was about, for those who are told: nothing in particular if it is for everyone. */
export function describeTopic(kind: TopicKind, name: string): { group?: string; member?: string } {
  return kind === "all" ? {} : { [kind]: name };
}

/** The longest name, in UTF-16 units: escaped, it still fits into a subject of NATS. */
const MAX_NAME_LENGTH = 512;

/**
 * Checks a name.
 *
 * @throws {TypeError} If it is no string.
 * @throws {RangeError} If it is over 512 UTF-16 units long.
 */
export function checkName(kind: TopicKind, name: unknown): asserts name is string {
  if (typeof name !== "string") {
    throw new TypeError(`Cannot take name of ${kind}: it must be a string, not ${typeof name}`);
  }
  if (name.length > MAX_NAME_LENGTH) {
    throw new RangeError(
      `Cannot take name of ${kind}: it has ${name.length} UTF-16 units, more than ${MAX_NAME_LENGTH}`,
    );
  }
}

/** The longest `info`, as JSON, in UTF-16 units: a crowd of members still fits into a few messages. */
const MAX_INFO_LENGTH = 1_024;

/**
 * Checks what others are to see of a member besides its name.
 *
 * @returns What others will see: a copy, as JSON has it.
 * @throws {TypeError} If it is not JSON.
 * @throws {RangeError} If it is over 1,024 UTF-16 units long.
 */
export function checkInfo(info: unknown): unknown {
  if (info === undefined) return undefined;
  const json: string | undefined = JSON.stringify(info);
  if (json === undefined) throw new TypeError(`Cannot take info: it must be JSON, not ${typeof info}`);
  if (json.length > MAX_INFO_LENGTH) {
    throw new RangeError(
      `Cannot take info: as JSON it has ${json.length} UTF-16 units, more than ${MAX_INFO_LENGTH}`,
    );
  }
  return JSON.parse(json);
}

/**
 * Turns a name into a channel: `g-`, `m-` or, for everyone, `a-`, then the name with everything but ASCII letters, digits, `_` and `-` as
 * `=` and four hexadecimal digits for each UTF-16 unit. Different names have different channels, also those that UTF-8
 * cannot tell apart, and none has a character that means something to a broker.
 */
export function channelOf(kind: TopicKind, name: string): string {
  const escape = (unit: string) => `=${unit.charCodeAt(0).toString(16).padStart(4, "0")}`;
  return `${kind[0]}-${name.replace(/[^A-Za-z0-9_-]/g, escape)}`;
}
