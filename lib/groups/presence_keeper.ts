/**
 * Tells other processes who is here, and asks who is there.
 *
 * Each process keeps one entry for each group in which someone has a name: the names, and how many connections have
 * each. It is put anew long before it expires, so the entries of a process that died vanish by themselves.
 *
 * @module
 */

import type { PresenceStore } from "./broker.ts";
import { channelOf } from "./names.ts";
import type { TimeLimit } from "./time_limit.ts";

/** How long changes gather before they are told, in milliseconds: a crowd that joins is one entry, not thousands. */
const GATHER = 50;

/** How many times an entry is put in its lifetime: one that is late or lost does no harm. */
const PUTS_PER_LIFE = 3;

/** What a {@linkcode PresenceKeeper} needs. */
export interface PresenceKeeperOptions {
  readonly store: PresenceStore;
  /** How long the store may take. */
  readonly limit: TimeLimit;
  /** Tells our entries from those of others. */
  readonly owner: string;
  /** The names that the members of a group have here, and how many have each. */
  readonly namesIn: (group: string) => ReadonlyMap<string, number>;
  readonly onError: (error: unknown, group?: string) => void;
}

/** Keeps the entries of this process. */
export class PresenceKeeper {
  readonly #options: PresenceKeeperOptions;
  /** The groups of which the others know. */
  readonly #told = new Set<string>();
  readonly #changed = new Set<string>();
  #gathering: ReturnType<typeof setTimeout> | undefined;
  #heartbeat: ReturnType<typeof setInterval> | "starting" | undefined;
  #closed = false;

  constructor(options: PresenceKeeperOptions) {
    this.#options = options;
  }

  /** Takes note that the members of a group may have changed. */
  change(group: string): void {
    if (this.#closed) return;
    this.#changed.add(group);
    this.#gathering ??= setTimeout(() => this.#tellChanged(), GATHER);
  }

  /** Tells of all groups anew: the store may have lost its entries. */
  tellAll(): void {
    for (const group of this.#told) this.change(group);
  }

  /** Asks for the names that others have in a group, and adds how many connections have each. */
  async addOthers(group: string, names: Map<string, number>): Promise<void> {
    const { store, limit, owner, onError } = this.#options;
    try {
      const entries = await limit.wait(store.list(channelOf("group", group)), "ask who is present");
      for (const [other, entry] of entries) {
        if (other === owner) continue;
        for (const [name, count] of readEntry(entry)) names.set(name, (names.get(name) ?? 0) + count);
      }
    } catch (error) {
      onError(error, group);
    }
  }

  /** Takes back all entries. */
  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#gathering);
    if (this.#heartbeat !== "starting") clearInterval(this.#heartbeat);
    const groups = [...this.#told];
    this.#told.clear();
    await Promise.all(groups.map((group) => this.#remove(group)));
  }

  #tellChanged(): void {
    this.#gathering = undefined;
    const groups = [...this.#changed];
    this.#changed.clear();
    for (const group of groups) this.#tell(group);
    if (this.#told.size > 0 && this.#heartbeat === undefined) this.#beat();
  }

  #tell(group: string): void {
    const names = this.#options.namesIn(group);
    if (names.size > 0) {
      this.#told.add(group);
      this.#put(group, names);
    } else if (this.#told.delete(group)) {
      this.#remove(group);
    }
  }

  /** Puts all entries anew, again and again. */
  async #beat(): Promise<void> {
    this.#heartbeat = "starting";
    try {
      const { store, limit } = this.#options;
      const ttl = await limit.wait(store.ttl(), "ask how long an entry lives");
      if (!this.#closed) this.#heartbeat = setInterval(() => this.tellAll(), ttl / PUTS_PER_LIFE);
    } catch (error) {
      this.#heartbeat = undefined;
      this.#options.onError(error);
    }
  }

  async #put(group: string, names: ReadonlyMap<string, number>): Promise<void> {
    const { store, limit, owner, onError } = this.#options;
    try {
      const put = store.put(channelOf("group", group), owner, writeEntry(names));
      await limit.wait(put, "tell who is present");
    } catch (error) {
      if (!this.#closed) onError(error, group);
    }
  }

  async #remove(group: string): Promise<void> {
    const { store, limit, owner, onError } = this.#options;
    try {
      await limit.wait(store.remove(channelOf("group", group), owner), "tell who has left");
    } catch (error) {
      onError(error, group);
    }
  }
}

/** Writes an entry: the names and their counts, as JSON. */
function writeEntry(names: ReadonlyMap<string, number>): string {
  return JSON.stringify([...names]);
}

/** Reads an entry, which may be anything: what is none is empty. */
function readEntry(entry: string): [string, number][] {
  try {
    const pairs: unknown = JSON.parse(entry);
    return Array.isArray(pairs) && pairs.every(isPair) ? pairs : [];
  } catch {
    return [];
  }
}

function isPair(pair: unknown): pair is [string, number] {
  return Array.isArray(pair) && pair.length === 2 && typeof pair[0] === "string" &&
    Number.isSafeInteger(pair[1]) && pair[1] > 0;
}
