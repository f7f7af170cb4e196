/**
 * What processes tell each other about who is in their groups, as JSON.
 *
 * Each process numbers what it tells: a change has the next number, a heartbeat and a snapshot have that of the latest
 * change. Whoever finds a number missing asks for a snapshot.
 *
 * @module
 */

/** A member that others see: its name, and what was said about it. */
export interface Member {
  /** The name it joined as. */
  readonly name: string;
  /** What it joined with; `undefined` if nothing. */
  readonly info: unknown;
}

/** One change: a member of a group by the number of its connection in its process, or that it is not there any more. */
export interface MemberChange {
  readonly group: string;
  readonly id: number;
  readonly member: Member | undefined;
}

/** What one process tells others. */
export type ControlMessage =
  /** Asks everyone for a snapshot. */
  | { readonly type: "hello" }
  /** Asks one process for a snapshot. */
  | { readonly type: "want" }
  /** Tells that the process is there, the number of its latest change, and for how many ms that is to be believed. */
  | { readonly type: "beat"; readonly version: number; readonly ttl: number }
  /** Tells what has changed. */
  | {
    readonly type: "delta";
    readonly version: number;
    readonly ttl: number;
    readonly changes: readonly MemberChange[];
  }
  /** Tells everything, in parts. */
  | {
    readonly type: "snapshot";
    readonly version: number;
    readonly ttl: number;
    readonly part: number;
    readonly last: boolean;
    readonly changes: readonly MemberChange[];
  }
  /** Tells that the process is about to end. */
  | { readonly type: "bye" };

/** A change as JSON: a member that left has no name. */
type Row = readonly [group: string, id: number, name?: string, info?: unknown];

/** Up to how many UTF-16 units of JSON go into one message: well below what any broker takes. */
const MAX_PIECE = 32_768;

/** The longest that a process may ask to be believed without a word, in milliseconds: a day. */
const MAX_TTL = 86_400_000;

/** Cuts changes into pieces that each fit into a message, at least one. */
export function* cutChanges(changes: Iterable<MemberChange>): Generator<readonly MemberChange[]> {
  let piece: MemberChange[] = [];
  let size = 0;
  for (const change of changes) {
    const length = JSON.stringify(toRow(change)).length + 1;
    if (piece.length > 0 && size + length > MAX_PIECE) {
      yield piece;
      piece = [];
      size = 0;
    }
    piece.push(change);
    size += length;
  }
  yield piece;
}

/** Writes a message. */
export function writeControl(message: ControlMessage): string {
  return JSON.stringify("changes" in message ? { ...message, changes: message.changes.map(toRow) } : message);
}

/** Reads a message, which may be anything: `undefined` if it is none. */
export function readControl(text: string): ControlMessage | undefined {
  let value: Record<string, unknown>;
  try {
    value = Object(JSON.parse(text));
  } catch {
    return undefined;
  }
  const { type, version, ttl, part, last, changes } = value;
  if (type === "hello" || type === "want" || type === "bye") return { type };
  if (!isCount(version) || !isCount(ttl) || ttl > MAX_TTL) return undefined;
  if (type === "beat") return { type, version, ttl };
  if (!Array.isArray(changes) || !changes.every(isRow)) return undefined;
  const read = changes.map(fromRow);
  if (type === "delta") return { type, version, ttl, changes: read };
  if (type !== "snapshot" || !isCount(part) || typeof last !== "boolean") return undefined;
  return { type, version, ttl, part, last, changes: read };
}

function toRow({ group, id, member }: MemberChange): Row {
  if (member === undefined) return [group, id];
  return member.info === undefined ? [group, id, member.name] : [group, id, member.name, member.info];
}

function fromRow([group, id, name, info]: Row): MemberChange {
  return { group, id, member: name === undefined ? undefined : { name, info } };
}

function isRow(row: unknown): row is Row {
  if (!Array.isArray(row) || row.length < 2 || row.length > 4) return false;
  const [group, id, name] = row as unknown[];
  return typeof group === "string" && isCount(id) && (row.length === 2 || typeof name === "string");
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && value as number >= 0;
}
