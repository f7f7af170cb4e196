/**
 * What carries messages between processes: the contract that Redis, NATS or anything of the user's own fulfils.
 *
 * @module
 */

/** Takes the payload of a message that was published; the bytes are not written to again. Never throws. */
export type Deliver = (payload: Uint8Array) => void;

/** What a {@linkcode Broker} is told when it is taken into use. */
export interface BrokerEvents {
  /** Hears that what others publish may have been lost since now, until the broker is back. */
  interrupted(cause: unknown): void;
  /** Hears that the broker is back, and every subscription with it. */
  restored(): void;
}

/**
 * Carries bytes between processes, at most once.
 *
 * A broker MUST
 * - hand on payloads as they are, byte for byte: binary on the wire;
 * - keep the order of what one process publishes on a channel;
 * - deliver each payload at most once for each subscription, and only on exactly the channel it was published on;
 * - subscribe again by itself when its connection is back, and say so through {@linkcode BrokerEvents};
 * - while it is away, reject what is to be published, at once or when it knows for sure: nothing is kept for later.
 *
 * It MUST NOT
 * - throw from `publish` or `subscribe`: what goes wrong rejects their promises;
 * - publish again what may have been published: a message that is lost is better than one that comes twice;
 * - close what the user handed in.
 *
 * It may deliver to a process what that process published: `Groups` recognises its own.
 */
export interface Broker {
  /** Who is there, across processes; a broker that keeps no state has none. */
  readonly presence?: PresenceStore | undefined;
  /** Begins: called once, before anything else. */
  open(events: BrokerEvents): void;
  /**
   * Publishes on a channel.
   *
   * @param channel Letters, digits, `_`, `-` and `=`, at least one.
   * @param payload The broker's from now on.
   * @returns Resolves when the other side has taken it, rejects if it did not or nobody knows.
   */
  publish(channel: string, payload: Uint8Array): Promise<void>;
  /**
   * Subscribes to a channel; never called twice for one without `unsubscribe` in between.
   *
   * @returns Resolves when everything that is published from now on arrives.
   */
  subscribe(channel: string, deliver: Deliver): Promise<void>;
  /** Ends the subscription of a channel. */
  unsubscribe(channel: string): Promise<void>;
  /** Lets go of all that it made itself; what the user handed in stays open. */
  close(): Promise<void>;
}

/**
 * Keeps small entries, one for each process and channel, for a limited time.
 *
 * It MUST let an entry vanish that was not put again within {@linkcode PresenceStore.ttl}.
 */
export interface PresenceStore {
  /** Tells how long an entry lives that is not put again, in milliseconds. */
  ttl(): Promise<number>;
  /**
   * Puts or replaces the entry of a process.
   *
   * @param channel As for {@linkcode Broker.publish}.
   * @param owner The process: 32 hexadecimal digits.
   * @param entry A short text.
   */
  put(channel: string, owner: string, entry: string): Promise<void>;
  /** Removes the entry of a process. */
  remove(channel: string, owner: string): Promise<void>;
  /** Lists the entries of a channel by their owners. */
  list(channel: string): Promise<ReadonlyMap<string, string>>;
}
