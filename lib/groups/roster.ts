/**
 * Who is in which group in other processes, as far as they have told.
 *
 * @module
 */

import type { ControlMessage, Member, MemberChange } from "./control.ts";

/** How many changes are kept while a snapshot is awaited; beyond that another is asked for. */
const MAX_HELD = 1_000;

type Delta = Extract<ControlMessage, { type: "delta" }>;
type Snapshot = Extract<ControlMessage, { type: "snapshot" }>;
type Groups = Map<string, Map<number, Member>>;

/** What one process has told. */
interface Told {
  groups: Groups;
  /** The number of its latest change that is known; `undefined` until a snapshot is complete. */
  version: number | undefined;
  /** When it was last heard of, and for how long that holds, in milliseconds. */
  heard: number;
  ttl: number;
  /** The snapshot that is arriving, and the part that comes next. */
  arriving: { readonly version: number; readonly groups: Groups; part: number } | undefined;
  /** The changes that came before the snapshot was complete. */
  held: Delta[];
}

/** Tells that a member of some process has come, changed or left. */
export type OnChange = (group: string, key: string, member: Member | undefined) => void;

/** Keeps what other processes tell. It knows no time but what it is told. */
export class Roster {
  readonly #processes = new Map<string, Told>();
  readonly #onChange: OnChange;

  /**
   * Makes an empty roster.
   *
   * @param onChange Called for each member that comes, changes or leaves; `key` tells it from all others.
   */
  constructor(onChange: OnChange) {
    this.#onChange = onChange;
  }

  /** How many processes are known. */
  get size(): number {
    return this.#processes.size;
  }

  /** Whether a snapshot is on its way, or should be. */
  get incomplete(): boolean {
    for (const { version } of this.#processes.values()) if (version === undefined) return true;
    return false;
  }

  /** The members of a group, with the keys that tell them apart. */
  *membersOf(group: string): Generator<[key: string, Member]> {
    for (const [sender, { groups }] of this.#processes) {
      for (const [id, member] of groups.get(group) ?? []) yield [keyOf(sender, id), member];
    }
  }

  /**
   * Takes what a process tells.
   *
   * @param sender Which one.
   * @param message What it tells.
   * @param now The time, in milliseconds.
   * @returns Whether something is missing, so that the process should be asked for a snapshot.
   */
  hear(sender: string, message: ControlMessage, now: number): boolean {
    if (message.type === "bye") this.#forget(sender);
    if (message.type === "bye" || message.type === "hello" || message.type === "want") return false;
    let told = this.#processes.get(sender);
    if (told === undefined) {
      told = { groups: new Map(), version: undefined, heard: now, ttl: 0, arriving: undefined, held: [] };
      // One that tells its first change has told all that there is.
      if (message.type === "delta" && message.version === 1) told.version = 0;
      this.#processes.set(sender, told);
    }
    told.heard = now;
    told.ttl = message.ttl;
    // Also while a snapshot arrives: a part of it may be lost.
    if (message.type === "beat") return told.version !== message.version;
    if (message.type === "snapshot") return this.#takePart(sender, told, message);
    return this.#takeDelta(sender, told, message);
  }

  /** Forgets the processes that have not been heard of for too long. */
  expire(now: number): void {
    for (const [sender, { heard, ttl }] of this.#processes) if (now - heard > ttl) this.#forget(sender);
  }

  #takeDelta(sender: string, told: Told, delta: Delta): boolean {
    if (told.version === delta.version - 1) {
      this.#apply(sender, told, delta.changes);
      told.version = delta.version;
      return false;
    }
    if (told.version !== undefined && delta.version <= told.version) return false;
    if (told.held.length >= MAX_HELD) told.held = [];
    told.held.push(delta);
    return told.arriving === undefined;
  }

  #takePart(sender: string, told: Told, { version, part, last, changes }: Snapshot): boolean {
    if (part === 0) told.arriving = { version, groups: new Map(), part: 0 };
    const { arriving } = told;
    if (arriving === undefined || arriving.part !== part || arriving.version !== version) {
      // A part was lost, or two snapshots came at once.
      told.arriving = undefined;
      return true;
    }
    arriving.part++;
    for (const change of changes) put(arriving.groups, change);
    if (!last) return false;
    told.arriving = undefined;
    this.#replace(sender, told, arriving.groups);
    told.version = version;
    const held = told.held;
    told.held = [];
    return held.map((delta) => this.#takeDelta(sender, told, delta)).includes(true);
  }

  #apply(sender: string, told: Told, changes: readonly MemberChange[]): void {
    for (const change of changes) {
      if (put(told.groups, change)) this.#onChange(change.group, keyOf(sender, change.id), change.member);
    }
  }

  /** Puts a snapshot in the place of what was known, and tells what that changes. */
  #replace(sender: string, told: Told, groups: Groups): void {
    const before = told.groups;
    told.groups = groups;
    for (const [group, members] of before) {
      for (const id of members.keys()) {
        if (!groups.get(group)?.has(id)) this.#onChange(group, keyOf(sender, id), undefined);
      }
    }
    for (const [group, members] of groups) {
      for (const [id, member] of members) this.#onChange(group, keyOf(sender, id), member);
    }
  }

  #forget(sender: string): void {
    const told = this.#processes.get(sender);
    this.#processes.delete(sender);
    for (const [group, members] of told?.groups ?? []) {
      for (const id of members.keys()) this.#onChange(group, keyOf(sender, id), undefined);
    }
  }
}

function keyOf(sender: string, id: number): string {
  return `${sender}.${id}`;
}

/** Puts a change in; returns whether it changed anything. */
function put(groups: Groups, { group, id, member }: MemberChange): boolean {
  const members = groups.get(group);
  if (member !== undefined) {
    if (members === undefined) groups.set(group, new Map([[id, member]]));
    else members.set(id, member);
    return true;
  }
  if (members === undefined || !members.delete(id)) return false;
  if (members.size === 0) groups.delete(group);
  return true;
}
