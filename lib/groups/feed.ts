/**
 * What the members of one group here are sent, in the order of its history.
 *
 * @module
 */

import type { PreparedMessage } from "../connection/web_socket_connection.ts";
import type { Skip } from "./audience.ts";
import type { GroupConnection } from "./group_connection.ts";
import { GroupLog, makeEpoch } from "./group_log.ts";
import type { HistoryLimits, JoinResult, Position } from "./history_options.ts";

/** A message, and where it stands. */
export interface Placed {
  readonly position: Position;
  /** Makes what members are sent, once; `undefined` if that is nothing. */
  readonly open: () => PreparedMessage | undefined;
  /** Its length in bytes, as it was published. */
  readonly size: number;
  /** How long ago it was published, in milliseconds. */
  readonly age: number;
  /** Who does not get it, live or later. */
  readonly skip?: Skip | undefined;
  /** Called when it is its turn. */
  readonly taken?: (() => void) | undefined;
}

/** What the log of a group is elsewhere. */
export interface Page {
  readonly position: Position;
  readonly placed: readonly Placed[];
}

/** What a {@linkcode Feed} needs. */
export interface FeedOptions {
  readonly limits: HistoryLimits;
  /** How many bytes may wait to be sent to a member that catches up before it is waited for. */
  readonly maxAhead: number;
  /** Who is in the group. */
  readonly members: () => ReadonlySet<GroupConnection>;
  /** Sends a message to members. */
  readonly send: (
    message: PreparedMessage,
    members: ReadonlySet<GroupConnection>,
    skip: Skip | undefined,
  ) => Promise<void> | undefined;
  /** Reads the log that all processes share; resolves to `undefined` if it cannot be read. Absent if the log is here. */
  readonly read?: ((after: Position | undefined) => Promise<Page | undefined>) | undefined;
}

/** What is kept of a message. */
type KeptMessage = Pick<Placed, "open" | "skip">;

/** How long to wait before the log is asked for again, in milliseconds. */
const RETRY = 500;

/**
 * Follows the log of a group: keeps a copy of its end, and sends each message to the members here, once and in order.
 *
 * Messages come live, and where one is missing the log is read. A member that comes back is held out of what is live until
 * it has been sent what it missed, from the copy: there is no seam between the two.
 */
export class Feed {
  readonly #options: FeedOptions;
  #log: GroupLog<KeptMessage> | undefined;
  /** Members that are being sent what they missed, each with its turn: the latest one counts. */
  readonly #late = new Map<GroupConnection, object>();
  /** What came live while the log is being read. */
  #early: Placed[] = [];
  #earlyBytes = 0;
  #reading = false;
  #stopped = false;
  #endPause: (() => void) | undefined;
  #ready: PromiseWithResolvers<void> | undefined;

  /** Makes a feed that follows nothing yet. */
  constructor(options: FeedOptions) {
    this.#options = options;
    if (options.read === undefined) {
      this.#log = new GroupLog({ epoch: makeEpoch(), offset: 0 }, options.limits, performance.now());
    } else {
      this.#reading = true;
      this.#ready = Promise.withResolvers();
    }
  }

  /** Where the feed stands, if that is known. */
  get position(): Position | undefined {
    return this.#log?.position;
  }

  /** When the last message came, in milliseconds. */
  get changed(): number {
    return this.#log?.changed ?? Infinity;
  }

  /** Begins to follow a log that is elsewhere, when what is published is heard from then on. */
  async start(heard: Promise<boolean>): Promise<void> {
    if (!await heard) this.#settle();
    await this.#read();
  }

  /** Ends. */
  stop(): void {
    this.#stopped = true;
    this.#settle();
    this.#endPause?.();
  }

  /** Lets go of what is too old. */
  trim(): void {
    this.#log?.trim(performance.now());
  }

  /** Appends a message to a log that is here, and sends it. */
  append(place: (position: Position) => Placed): Promise<void> | undefined {
    const log = this.#log!;
    return this.#deliver(log, place({ epoch: log.epoch, offset: log.last + 1 }));
  }

  /** Takes a message that was published live. */
  arrive(placed: Placed): void {
    if (this.#reading) return this.#keepEarly(placed);
    const log = this.#log!;
    const { epoch, offset } = placed.position;
    if (epoch === log.epoch && offset <= log.last) return;
    if (epoch === log.epoch && offset === log.last + 1) return void this.#deliver(log, placed);
    this.#keepEarly(placed);
    void this.recover();
  }

  /** Reads what may have been missed. */
  recover(): Promise<void> {
    if (!this.#reading) return this.#read();
    this.#endPause?.();
    return this.#ready?.promise ?? DONE;
  }

  /**
   * Holds a member out of what is live.
   *
   * @returns Its turn, for {@linkcode Feed.catchUp}.
   */
  hold(connection: GroupConnection): object {
    const turn = {};
    this.#late.set(connection, turn);
    return turn;
  }

  /** Sends a member that was held out what it missed, and lets it in. */
  async catchUp(connection: GroupConnection, turn: object, since: Position | "oldest"): Promise<JoinResult> {
    await this.known();
    this.trim();
    let log = this.#log;
    let at = 0;
    let missed: number | undefined;
    if (log !== undefined) {
      const known = since === "oldest" || since.epoch === log.epoch && since.offset <= log.last;
      missed = known ? 0 : undefined;
      at = known && since !== "oldest" ? since.offset : log.first - 1;
    }
    while (
      log !== undefined && this.#late.get(connection) === turn && this.#options.members().has(connection)
    ) {
      if (log !== this.#log) {
        // What was left to send went with the epoch.
        log = this.#log!;
        missed = undefined;
        at = log.first - 1;
      }
      if (at < log.first - 1) {
        if (missed !== undefined) missed += log.first - 1 - at;
        at = log.first - 1;
      }
      if (at >= log.last) break;
      const { open, skip } = log.at(++at)!.value;
      const message = open();
      if (message === undefined || skip?.(connection)) continue;
      const sent = connection.send(message);
      if (connection.bufferedAmount <= this.#options.maxAhead) continue;
      try {
        await sent;
      } catch {
        break; // it has closed
      }
    }
    if (this.#late.get(connection) === turn) this.#late.delete(connection);
    if (log === undefined) return { position: undefined, recovered: false, missed };
    return { position: { epoch: log.epoch, offset: at }, recovered: missed === 0, missed };
  }

  /** Lets a member in that may be held out. */
  release(connection: GroupConnection): void {
    this.#late.delete(connection);
  }

  /** Resolves when the log is known, or could not be read. */
  known(): Promise<void> {
    return this.#ready?.promise ?? DONE;
  }

  #keepEarly(placed: Placed): void {
    const { messages, bytes } = this.#options.limits;
    this.#early.push(placed);
    this.#earlyBytes += placed.size;
    // What goes here is read from the log.
    while (this.#early.length > messages || this.#earlyBytes > bytes) {
      this.#earlyBytes -= this.#early.shift()!.size;
    }
  }

  async #read(): Promise<void> {
    this.#reading = true;
    let page: Page | undefined;
    while (!this.#stopped && (page = await this.#options.read!(this.position)) === undefined) {
      this.#settle();
      await this.#pause();
    }
    if (this.#stopped) return;
    this.#take(page!);
    this.#reading = false;
    this.#settle();
    const early = this.#early;
    this.#early = [];
    this.#earlyBytes = 0;
    for (const placed of early) this.arrive(placed);
  }

  #take({ position: { epoch, offset }, placed }: Page): void {
    const start = (placed[0]?.position.offset ?? offset + 1) - 1;
    let log = this.#log;
    let from = 0;
    if (log === undefined) {
      // Members here have joined just now, and hear what came live since.
      from = this.#early.find(({ position }) => position.epoch === epoch)?.position.offset ?? offset + 1;
    }
    // A log that ends before what came from it is one whose end was lost: it goes on there with other messages.
    if (log?.epoch !== epoch || offset < log.last) {
      this.#log = log = new GroupLog({ epoch, offset: start }, this.#options.limits, performance.now());
    }
    log.skipTo(start);
    for (const each of placed) {
      if (each.position.offset <= log.last) continue;
      if (each.position.offset < from) keep(log, each);
      else this.#deliver(log, each);
    }
    log.skipTo(offset);
  }

  #deliver(log: GroupLog<KeptMessage>, placed: Placed): Promise<void> | undefined {
    keep(log, placed);
    const message = placed.open();
    const sent = message && this.#options.send(message, this.#inStep(), placed.skip);
    placed.taken?.();
    return sent;
  }

  /** The members that have been sent all before. */
  #inStep(): ReadonlySet<GroupConnection> {
    const members = this.#options.members();
    if (this.#late.size === 0) return members;
    return new Set([...members].filter((connection) => !this.#late.has(connection)));
  }

  #settle(): void {
    this.#ready?.resolve();
    this.#ready = undefined;
  }

  #pause(): Promise<void> {
    return new Promise((resolve) => {
      const end = () => {
        clearTimeout(timer);
        this.#endPause = undefined;
        resolve();
      };
      const timer = setTimeout(end, RETRY);
      this.#endPause = end;
    });
  }
}

const DONE: Promise<void> = Promise.resolve();

function keep(log: GroupLog<KeptMessage>, { open, skip, size, age }: Placed): void {
  log.append({ open, skip }, size, performance.now() - age);
}
