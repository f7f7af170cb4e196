/**
 * Tells other processes who is in the groups here, and keeps what they tell.
 *
 * Nothing is stored at the broker. A change is told once, all changes of a moment together; a heartbeat says that the
 * process lives, whatever the number of its groups. A process that is not heard of for `ttl` has nobody in its groups.
 *
 * @module
 */

import {
  type ControlMessage,
  cutChanges,
  type Member,
  type MemberChange,
  readControl,
  writeControl,
} from "./control.ts";
import { type OnChange, Roster } from "./roster.ts";

/** How long changes gather before they are told, in milliseconds: a crowd that joins is one message, not thousands. */
const GATHER = 50;

/** How many heartbeats there are in the time that one is good for: one that is late or lost does no harm. */
const BEATS_PER_LIFE = 3;

/** How long answers to the first question are waited for, and how often it is looked whether they are complete, in ms. */
const FIRST_ANSWERS = 200;
const STEP = 20;

/** How long to wait before one process is asked again for what is missing, in milliseconds. */
const ASK_AGAIN = 500;

/** The channel that all listen to, and the one of a process. */
const EVERYONE = "c";
const inboxOf = (sender: string): string => `i-${sender}`;

/** How long a process is believed to be there without a word, in milliseconds, unless the broker says otherwise. */
const DEFAULT_TTL = 15_000;

/** What a {@linkcode PresenceTracker} needs. */
export interface PresenceTrackerOptions {
  /** Names this process. */
  readonly id: string;
  /** How long this process is believed to be there without a word, in milliseconds. */
  readonly ttl: (() => Promise<number>) | undefined;
  /** How long answers are waited for at most, in milliseconds. */
  readonly timeout: number;
  /** Lists the members that others should see. */
  readonly members: () => Iterable<MemberChange>;
  /** Subscribes to a channel; resolves when that is done, never rejects. */
  readonly listen: (channel: string) => Promise<void>;
  /** Publishes on a channel; never rejects. */
  readonly tell: (channel: string, text: string) => Promise<unknown>;
  /** Called for each member of another process that comes, changes or leaves. */
  readonly onChange: OnChange;
  /** Called with what goes wrong. */
  readonly onError: (error: unknown) => void;
}

/** Keeps processes in step about who is in which group. It does nothing before it is first needed. */
export class PresenceTracker {
  readonly #options: PresenceTrackerOptions;
  readonly #roster: Roster;
  /** Settles when what others have told is known; there once the tracker has started. */
  #synced: Promise<void> | undefined;
  #ttl = DEFAULT_TTL;
  /** The number of the latest change that was told. */
  #version = 0;
  readonly #changes = new Map<string, MemberChange>();
  #gathering: ReturnType<typeof setTimeout> | undefined;
  #heartbeat: ReturnType<typeof setInterval> | undefined;
  /** When each process was last asked for what is missing. */
  readonly #asked = new Map<string, number>();
  /** The processes that a snapshot is being sent to. */
  readonly #answering = new Set<string>();
  #closed = false;

  constructor(options: PresenceTrackerOptions) {
    this.#options = options;
    this.#roster = new Roster(options.onChange);
  }

  /** Records a change of a member here. */
  change(change: MemberChange): void {
    if (this.#closed) return;
    void this.sync();
    this.#changes.set(`${change.id} ${change.group}`, change);
    this.#gathering ??= setTimeout(() => this.#tellChanges(), GATHER);
  }

  /** Resolves when what other processes tell is known, as far as they answer. */
  sync(): Promise<void> {
    return this.#synced ??= this.#start();
  }

  /**
   * Resolves when what has arrived by now is known, too. It takes a turn of the event loop: a loop that asks again and
   * again must not keep the answer from coming.
   */
  async catchUp(): Promise<void> {
    await this.sync();
    await sleep(0);
  }

  /** The members of a group in other processes, with the keys that tell them apart. */
  membersOf(group: string): Iterable<[key: string, Member]> {
    this.#roster.expire(performance.now());
    return this.#roster.membersOf(group);
  }

  /** Takes a message of another process. Returns whether it was one. */
  receive(from: string, text: string): boolean {
    const message = readControl(text);
    if (message === undefined) return false;
    if (message.type === "hello" || message.type === "want") void this.#answer(from);
    else if (this.#roster.hear(from, message, performance.now())) this.#ask(from);
    return true;
  }

  /** Begins again, after messages may have been lost. */
  restart(): void {
    if (this.#synced === undefined || this.#closed) return;
    void this.#tell(EVERYONE, { type: "hello" });
    this.#beat();
  }

  /** Says goodbye. */
  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#gathering);
    clearInterval(this.#heartbeat);
    if (this.#version > 0) await this.#tell(EVERYONE, { type: "bye" });
  }

  async #start(): Promise<void> {
    const { id, ttl, listen, timeout, onError } = this.#options;
    try {
      this.#ttl = await ttl?.() ?? DEFAULT_TTL;
    } catch (error) {
      onError(error);
    }
    if (this.#closed) return;
    this.#heartbeat = setInterval(() => this.#beat(), this.#ttl / BEATS_PER_LIFE);
    if (typeof this.#heartbeat === "object") this.#heartbeat.unref?.();
    await Promise.all([listen(EVERYONE), listen(inboxOf(id))]);
    await this.#tell(EVERYONE, { type: "hello" });
    const until = performance.now() + Math.min(timeout, this.#ttl);
    await sleep(FIRST_ANSWERS);
    while (this.#roster.incomplete && performance.now() < until && !this.#closed) await sleep(STEP);
  }

  #beat(): void {
    this.#roster.expire(performance.now());
    if (this.#version === 0) return;
    void this.#tell(EVERYONE, { type: "beat", version: this.#version, ttl: this.#ttl });
  }

  async #tellChanges(): Promise<void> {
    // What is told before others can ask for a snapshot might be all that they ever hear.
    await this.#synced;
    this.#gathering = undefined;
    if (this.#closed) return;
    const changes = [...this.#changes.values()];
    this.#changes.clear();
    for (const piece of cutChanges(changes)) {
      void this.#tell(EVERYONE, { type: "delta", version: ++this.#version, ttl: this.#ttl, changes: piece });
    }
  }

  /** Sends a process all that there is to tell. What changes meanwhile is told as always, and may be told twice. */
  async #answer(sender: string): Promise<void> {
    if (this.#closed || this.#version === 0 || this.#answering.has(sender)) return;
    this.#answering.add(sender);
    const { members } = this.#options;
    const version = this.#version;
    const pieces = cutChanges(members());
    let piece = pieces.next();
    for (let part = 0; !piece.done && !this.#closed; part++) {
      const changes = piece.value;
      piece = pieces.next();
      const last = piece.done === true;
      await this.#tell(inboxOf(sender), { type: "snapshot", version, ttl: this.#ttl, part, last, changes });
    }
    this.#answering.delete(sender);
  }

  #ask(sender: string): void {
    const now = performance.now();
    if (now - (this.#asked.get(sender) ?? -Infinity) < ASK_AGAIN) return;
    for (const [other, time] of this.#asked) if (now - time >= ASK_AGAIN) this.#asked.delete(other);
    this.#asked.set(sender, now);
    void this.#tell(inboxOf(sender), { type: "want" });
  }

  #tell(channel: string, message: ControlMessage): Promise<unknown> {
    return this.#options.tell(channel, writeControl(message));
  }
}

function sleep(time: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, time));
}
