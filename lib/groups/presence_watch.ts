/**
 * Tells whoever watches a group who comes, who leaves and what changes about them.
 *
 * @module
 */

import type { Member } from "./control.ts";

/** What has changed about a name in a group. */
export interface PresenceChange {
  /**
   * `"came"`: the first connection of that name is in the group; `"left"`: the last one is gone; `"changed"`: what it
   * joined with is another.
   */
  readonly type: "came" | "left" | "changed";
  /** The name. */
  readonly name: string;
  /** What the connection that joined last under that name joined with; `undefined` if nothing. */
  readonly info: unknown;
}

/** One iteration: what is to be told, and whoever waits for it. */
class Watcher {
  /** At most one change for each name: what nobody has asked for yet is put together. */
  readonly #pending = new Map<string, PresenceChange>();
  /** Wakes all who wait, in their order: several may ask ahead. */
  #waiting: PromiseWithResolvers<void> | undefined;
  #ended = false;

  /** Takes a change, and joins it with one of the same name that waits. */
  push(change: PresenceChange): void {
    const { name } = change;
    const before = this.#pending.get(name);
    this.#pending.delete(name);
    const joined = before === undefined ? change : join(before, change);
    if (joined !== undefined) this.#pending.set(name, joined);
    this.#wakeUp();
  }

  /** Ends it, after what waits if anyone asks for that. */
  end(): void {
    this.#ended = true;
    this.#wakeUp();
  }

  /** Ends it at once: nobody wants to know any more. */
  leave(): void {
    this.#pending.clear();
    this.end();
  }

  async next(): Promise<IteratorResult<PresenceChange, undefined>> {
    for (;;) {
      for (const [name, change] of this.#pending) {
        this.#pending.delete(name);
        return { done: false, value: change };
      }
      if (this.#ended) return { done: true, value: undefined };
      this.#waiting ??= Promise.withResolvers<void>();
      await this.#waiting.promise;
    }
  }

  #wakeUp(): void {
    this.#waiting?.resolve();
    this.#waiting = undefined;
  }
}

/** Puts two changes of one name together; `undefined` if nothing is left of them. */
function join(before: PresenceChange, after: PresenceChange): PresenceChange | undefined {
  if (before.type === "came") return after.type === "left" ? undefined : { ...after, type: "came" };
  if (before.type === "left" && after.type === "came") return { ...after, type: "changed" };
  return after;
}

/** One group that is watched: who is in it, and by whom it is watched. */
class WatchedGroup {
  readonly watchers = new Set<Watcher>();
  /** The members by their keys, and for each name the keys that have it, the latest last. */
  readonly #members = new Map<string, Member>();
  readonly #names = new Map<string, Map<string, unknown>>();

  /** Takes a member that has come, changed or left. */
  change(key: string, member: Member | undefined): void {
    const before = this.#members.get(key);
    if (member === undefined) this.#members.delete(key);
    else this.#members.set(key, member);
    if (before !== undefined && before.name !== member?.name) this.#drop(before, key);
    if (member !== undefined) this.#set(member, key);
  }

  /** What a watcher that comes now has to be told first. */
  *present(): Generator<PresenceChange> {
    for (const [name, infos] of this.#names) yield { type: "came", name, info: latest(infos) };
  }

  #drop({ name }: Member, key: string): void {
    const infos = this.#names.get(name)!;
    const before = latest(infos);
    infos.delete(key);
    if (infos.size === 0) {
      this.#names.delete(name);
      this.#tell({ type: "left", name, info: before });
    } else {
      this.#tellChange(name, before, latest(infos));
    }
  }

  #set({ name, info }: Member, key: string): void {
    const infos = this.#names.get(name);
    if (infos === undefined) {
      this.#names.set(name, new Map([[key, info]]));
      this.#tell({ type: "came", name, info });
      return;
    }
    const before = latest(infos);
    infos.delete(key);
    infos.set(key, info);
    this.#tellChange(name, before, info);
  }

  #tellChange(name: string, before: unknown, info: unknown): void {
    if (JSON.stringify(before) !== JSON.stringify(info)) this.#tell({ type: "changed", name, info });
  }

  #tell(change: PresenceChange): void {
    for (const watcher of this.watchers) watcher.push(change);
  }
}

function latest(infos: ReadonlyMap<string, unknown>): unknown {
  return [...infos.values()].at(-1);
}

/** The groups that are watched. */
export class PresenceWatch {
  readonly #groups = new Map<string, WatchedGroup>();

  /** Takes a member that has come, changed or left, here or in another process. */
  change(group: string, key: string, member: Member | undefined): void {
    this.#groups.get(group)?.change(key, member);
  }

  /**
   * Watches a group.
   *
   * @param group Its name.
   * @param present Who is in it, if it is not watched yet.
   * @returns First a `came` for each name, then what changes, until it is left or everything is closed.
   */
  watch(
    group: string,
    present: () => Iterable<readonly [key: string, member: Member, ...unknown[]]>,
  ): AsyncIterableIterator<PresenceChange, undefined> {
    let watched = this.#groups.get(group);
    if (watched === undefined) {
      this.#groups.set(group, watched = new WatchedGroup());
      for (const [key, member] of present()) watched.change(key, member);
    }
    const watcher = new Watcher();
    for (const change of watched.present()) watcher.push(change);
    const { watchers } = watched;
    watchers.add(watcher);
    const iterator: AsyncIterableIterator<PresenceChange, undefined> = {
      next: () => watcher.next(),
      return: () => {
        watcher.leave();
        watchers.delete(watcher);
        if (watchers.size === 0 && this.#groups.get(group) === watched) this.#groups.delete(group);
        return Promise.resolve({ done: true, value: undefined });
      },
      [Symbol.asyncIterator]: () => iterator,
    };
    return iterator;
  }

  /** Ends every iteration. */
  close(): void {
    for (const { watchers } of this.#groups.values()) for (const watcher of watchers) watcher.end();
    this.#groups.clear();
  }
}
