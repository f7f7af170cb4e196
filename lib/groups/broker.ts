/**
 * What carries messages between processes: the contract that Redis, NATS or anything of the user's own fulfils.
 *
 * @module
 */

import type { BrokerHistory } from "./broker_history.ts";
import type { Position } from "./history_options.ts";

/**
 * Takes the payload of a message that was published, with its position if it was appended to a history; the bytes are not
 * written to again. Never throws.
 */
export type Deliver = (payload: Uint8Array, position?: Position) => void;

/** What a {@linkcode Broker} is told when it is taken into use. */
export interface BrokerEvents {
  /** Called when it is connected for the first time; a broker that always is need not call it. */
  connected?(): void;
  /** Hears that what others publish may have been lost since now, until the broker is back. */
  interrupted(cause: unknown): void;
  /** Hears that the broker is back, and every subscription with it. */
  restored(): void;
  /** Hears that a subscription is there no more, because the broker refuses it now; it will be asked for again. */
  refused?(channel: string): void;
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
  /**
   * Tells how long a process that died is still seen as present, in milliseconds, from 100 to a day. @default 15 s
   */
  readonly presenceTtl?: (() => Promise<number>) | undefined;
  /** Keeps the latest payloads of channels. @default it keeps none, and groups over it have no history */
  readonly history?: BrokerHistory | undefined;
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
