/**
 * The histories of groups: here if there is no broker, else a copy of the end of what the broker keeps.
 *
 * @module
 */

import { prepare } from "../connection/web_socket_connection.ts";
import type { Bytes, PreparedMessage } from "../connection/web_socket_connection.ts";
import type { Address, Audience } from "./audience.ts";
import { viewBytes } from "./envelope.ts";
import { Feed, type FeedOptions, type Placed } from "./feed.ts";
import type { GroupConnection } from "./group_connection.ts";
import { POSITION_LIVES } from "./group_log.ts";
import type { GroupsErrorContext } from "./groups_error.ts";
import type { HistorySettings, JoinResult, Position } from "./history_options.ts";
import type { Received, Relay } from "./relay.ts";

/** How many groups are read at once when the broker is back. */
const AT_ONCE = 64;

/** How often it is looked for what is too old, at most and at least, in milliseconds. */
const SWEEP = { least: 1_000, most: 60_000 };

/** What a {@linkcode History} needs. */
export interface HistoryParts extends Pick<FeedOptions, "maxAhead" | "send"> {
  readonly settings: HistorySettings;
  /** Who does not get what. */
  readonly audience: Audience;
  /** The way to the broker, if there is one. */
  readonly relay: Relay | undefined;
  /** Who is in a group. */
  readonly members: (group: string) => ReadonlySet<GroupConnection>;
  /** Called with what goes wrong. */
  readonly onError: (error: unknown, context: GroupsErrorContext) => void;
}

/** A message to be published. */
export interface Publication {
  readonly data: string | Bytes;
  /** The same, encoded. */
  readonly message: PreparedMessage;
  /** Whom it is for, if not simply for everyone in the groups. */
  readonly address: Address | undefined;
}

/** Keeps the feed of each group that has one. */
export class History {
  readonly #parts: HistoryParts;
  readonly #groups = new Map<string, Feed>();
  #sweeping: ReturnType<typeof setInterval> | undefined;

  constructor(parts: HistoryParts) {
    this.#parts = parts;
  }

  /**
   * Appends a message to the history of each of some groups. With a broker the members here get it when it has come back
   * from there, in its place among the others.
   *
   * @returns What to wait for, if there is something.
   */
  publish(groups: readonly string[], publication: Publication): Promise<unknown> | undefined {
    const { relay, settings } = this.#parts;
    const { data, message, address } = publication;
    if (relay === undefined) {
      const relieved = groups.map((group) =>
        this.#follow(group).append((position) => this.#placeOwn(group, position, publication))
      );
      return relieved.some((each) => each !== undefined) ? Promise.all(relieved) : undefined;
    }
    const outgoing = { data, byteLength: message.byteLength, address };
    const taken = groups.map((group) => relay.append(group, outgoing, settings));
    return relay.congested ? Promise.all(taken) : undefined;
  }

  /**
   * Lets a member in that has just joined.
   *
   * @param since Where it goes on; `undefined` if it begins now.
   */
  async join(
    group: string,
    connection: GroupConnection,
    since: Position | "oldest" | undefined,
  ): Promise<JoinResult> {
    const feed = this.#follow(group);
    if (since !== undefined) return feed.catchUp(connection, feed.hold(connection), since);
    feed.release(connection);
    await feed.known();
    return { position: feed.position, recovered: true, missed: 0 };
  }

  /** Answers a member that joins again: it gets what is live already. */
  async joinAgain(group: string, since: Position | "oldest" | undefined): Promise<JoinResult> {
    const feed = this.#follow(group);
    await feed.known();
    const asked = since !== undefined;
    return { position: feed.position, recovered: !asked, missed: asked ? undefined : 0 };
  }

  /** A group has nobody here any more: what the broker keeps need not be followed. */
  vanished(group: string): void {
    if (this.#parts.relay === undefined) return;
    this.#groups.get(group)?.stop();
    this.#groups.delete(group);
  }

  /** Takes what was published live. */
  arrive(group: string, received: Received): void {
    const feed = this.#groups.get(group);
    feed?.arrive(this.#place(group, feed, received));
  }

  /** Reads what may have been missed, in all groups, some at a time. */
  async recover(): Promise<void> {
    const left = [...this.#groups.values()];
    while (left.length > 0) await Promise.all(left.splice(0, AT_ONCE).map((feed) => feed.recover()));
  }

  /** Lets go of everything. */
  close(): void {
    clearInterval(this.#sweeping);
    for (const feed of this.#groups.values()) feed.stop();
    this.#groups.clear();
  }

  #follow(group: string): Feed {
    const found = this.#groups.get(group);
    if (found !== undefined) return found;
    const { relay, settings, maxAhead, members, send } = this.#parts;
    const feed: Feed = new Feed({
      limits: settings,
      maxAhead,
      send,
      members: () => members(group),
      read: relay && (async (after) => {
        const page = await relay.read(group, settings, after);
        return page && {
          position: page.position,
          placed: page.received.map((received) => this.#place(group, feed, received)),
        };
      }),
    });
    this.#groups.set(group, feed);
    if (relay !== undefined) void feed.start(relay.watching("group", group));
    this.#sweeping ??= this.#sweepOften();
    return feed;
  }

  #place(group: string, feed: Feed, { position, age, size, content }: Received): Placed {
    const { relay, audience } = this.#parts;
    if (content === undefined) return { position, age, size, open: nothing };
    const { own, data, addressed } = content;
    return {
      position,
      age,
      size,
      open: once(() => this.#encode(group, position, data)),
      skip: addressed && audience.skipAddressed(addressed),
      taken: own ? undefined : () => relay!.countMissed(group, feed, content),
    };
  }

  #placeOwn(group: string, position: Position, { data, message, address }: Publication): Placed {
    const { audience, settings } = this.#parts;
    const bytes = typeof data === "string" ? data : viewBytes(data);
    const encoded = settings.wrap === undefined ? message : this.#encode(group, position, bytes);
    const skip = address && audience.skipAddressed(audience.addressedHere(address));
    return { position, age: 0, size: message.byteLength, open: () => encoded, skip };
  }

  /** Makes what members are sent. */
  #encode(group: string, position: Position, data: string | Uint8Array): PreparedMessage | undefined {
    const { settings: { wrap }, onError } = this.#parts;
    try {
      return prepare(wrap === undefined ? data : wrap(data, position, group));
    } catch (error) {
      onError(error, { stage: "encode", group });
      return undefined;
    }
  }

  #sweepOften(): ReturnType<typeof setInterval> {
    const time = Math.min(Math.max(this.#parts.settings.age / 4, SWEEP.least), SWEEP.most);
    const timer = setInterval(() => this.#sweep(), time);
    if (typeof timer === "object") timer.unref?.();
    return timer;
  }

  #sweep(): void {
    const { settings: { age }, relay, members } = this.#parts;
    const longAgo = performance.now() - age * POSITION_LIVES;
    for (const [group, feed] of this.#groups) {
      feed.trim();
      if (relay === undefined && feed.changed < longAgo && members(group).size === 0) {
        this.#groups.delete(group);
      }
    }
  }
}

function nothing(): undefined {}

/** Makes something when it is first asked for, and keeps that in place of what it is made of. */
function once<T>(make: () => T): () => T {
  let pending: (() => T) | undefined = make;
  let made: T;
  return () => {
    if (pending !== undefined) made = pending();
    pending = undefined;
    return made;
  };
}
