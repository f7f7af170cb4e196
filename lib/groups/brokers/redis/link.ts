/**
 * What the broker needs of a client of Redis, whichever it is.
 *
 * @module
 */

/** Takes a payload as it came. */
export type DeliverPlain = (payload: Uint8Array) => void;

/** A command and its arguments. */
export type RedisCommand = readonly [name: string, ...args: (string | Uint8Array)[]];

/** What a {@linkcode RedisLink} tells of its connections. */
export interface RedisLinkEvents {
  /** Called when it is connected, and has subscribed to all that it was subscribed to. */
  ready(): void;
  /** Called when it is not; again and again while it tries. */
  lost(error: unknown): void;
  /** Called when the server refuses a subscription that it had. */
  refused(channel: string): void;
}

/** The user's client, and what connections are made from it. */
export interface RedisLink {
  /** Whether channels belong to slots of a cluster, and messages stay on the node that has theirs. */
  readonly sharded: boolean;
  /** Connects; called once. Connects again by itself from then on. */
  open(events: RedisLinkEvents): Promise<unknown>;
  /**
   * Sends a command to the node that has a channel; the answer has bytes for strings. Rejects with `broker-away` while that
   * is away, and does not keep the command for later.
   */
  send(channel: string, command: RedisCommand): Promise<unknown>;
  /** Subscribes to a channel. */
  subscribe(channel: string, deliver: DeliverPlain): Promise<unknown>;
  /** Ends that. */
  unsubscribe(channel: string): Promise<unknown>;
  /** Ends the connections that it made, at once. */
  close(): void;
}
