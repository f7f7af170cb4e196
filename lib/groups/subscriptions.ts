/**
 * Keeps a broker subscribed to exactly the channels that someone here wants.
 *
 * @module
 */

import type { Broker, Deliver } from "./broker.ts";

/** How long to wait before a step that failed is tried again, in milliseconds: twice as long each time, up to a bound. */
const FIRST_RETRY = 1_000;
const LAST_RETRY = 30_000;

const DONE: Promise<void> = Promise.resolve();

/** Who wants a channel. */
export interface Subscriber {
  /** Called for each subscription that is made; returns what takes what is published from then on. */
  readonly subscribed: () => Deliver;
  /** Hears that an attempt failed, unless the one before did for the same reason. */
  readonly onError: (error: unknown) => void;
}

interface Subscription extends Subscriber {
  wanted: boolean;
  /** Whether the broker has it. */
  active: boolean;
  /** Whether a step is under way. */
  busy: boolean;
  /** Settles when the broker has answered to what is wanted. */
  answer: PromiseWithResolvers<void> | undefined;
  /** Why the latest attempt failed; `undefined` once one has not. */
  failure: { readonly error: unknown; readonly retry: number } | undefined;
}

/** Brings what is subscribed to in line with what is wanted, one step after the other for each channel. */
export class Subscriptions {
  readonly #broker: Broker;
  readonly #channels = new Map<string, Subscription>();
  /** The pauses before another attempt. */
  readonly #pauses = new Map<Subscription, { end: () => void }>();
  #away = false;
  #closed = false;

  /**
   * Makes no subscription.
   *
   * @param broker What to subscribe at.
   */
  constructor(broker: Broker) {
    this.#broker = broker;
  }

  /** Wants a channel. */
  add(channel: string, subscriber: Subscriber): void {
    let subscription = this.#channels.get(channel);
    if (subscription === undefined) {
      subscription = {
        ...subscriber,
        wanted: true,
        active: false,
        busy: false,
        answer: undefined,
        failure: undefined,
      };
      this.#channels.set(channel, subscription);
    }
    subscription.wanted = true;
    if (!subscription.busy) this.#align(channel, subscription);
  }

  /** Wants a channel no more. */
  delete(channel: string): void {
    const subscription = this.#channels.get(channel);
    if (subscription === undefined) return;
    subscription.wanted = false;
    this.#pauses.get(subscription)?.end();
    if (!subscription.busy) this.#align(channel, subscription);
  }

  /**
   * Resolves when the broker has answered to what is wanted of a channel, and no step is under way that undoes it; at
   * once while it is away. Rejects if an attempt has failed and the next is yet to come.
   */
  answered(channel: string): Promise<void> {
    const subscription = this.#channels.get(channel);
    if (subscription === undefined || this.#away || !subscription.busy) return DONE;
    if (this.#pauses.has(subscription)) return Promise.reject(subscription.failure!.error);
    return (subscription.answer ??= Promise.withResolvers()).promise;
  }

  /** Records that the broker has dropped a subscription, and asks for it again. */
  lose(channel: string): void {
    const subscription = this.#channels.get(channel);
    if (subscription === undefined || !subscription.active) return;
    subscription.active = false;
    if (!subscription.busy) this.#align(channel, subscription);
  }

  /** Takes note that the broker went away: nobody shall wait for it. */
  interrupt(): void {
    this.#away = true;
    for (const subscription of this.#channels.values()) settle(subscription);
  }

  /** Records that it is back, and has subscribed to what it was subscribed to; what failed is tried again. */
  restore(): void {
    this.#away = false;
    for (const { end } of [...this.#pauses.values()]) end();
  }

  /** Lets go of everything; the broker itself is the caller's to close. */
  close(): void {
    this.#closed = true;
    for (const { end } of [...this.#pauses.values()]) end();
    for (const subscription of this.#channels.values()) settle(subscription);
    this.#channels.clear();
  }

  async #align(channel: string, subscription: Subscription): Promise<void> {
    subscription.busy = true;
    while (subscription.wanted !== subscription.active && !this.#closed) {
      const { active, subscribed } = subscription;
      try {
        await (active ? this.#broker.unsubscribe(channel) : this.#broker.subscribe(channel, subscribed()));
        subscription.active = !active;
        subscription.failure = undefined;
      } catch (error) {
        if (this.#closed) break;
        this.#fail(subscription, error);
        settle(subscription);
        if (subscription.wanted !== active) await this.#pause(subscription, subscription.failure!.retry);
      }
    }
    subscription.busy = false;
    settle(subscription);
    if (!subscription.active) this.#channels.delete(channel);
  }

  #fail(subscription: Subscription, error: unknown): void {
    const { failure: before, onError } = subscription;
    const retry = before === undefined ? FIRST_RETRY : Math.min(before.retry * 2, LAST_RETRY);
    subscription.failure = { error, retry };
    // While the broker is away every step fails; that it is away has been told.
    if (!this.#away && (before === undefined || `${before.error}` !== `${error}`)) onError(error);
  }

  /** Waits before another attempt, until the broker is back if it is away; unless what is wanted changes before. */
  #pause(subscription: Subscription, time: number): Promise<void> {
    return new Promise((resolve) => {
      const end = () => {
        clearTimeout(timer);
        this.#pauses.delete(subscription);
        resolve();
      };
      const timer = this.#away ? undefined : setTimeout(end, time);
      this.#pauses.set(subscription, { end });
    });
  }
}

function settle(subscription: Subscription): void {
  subscription.answer?.resolve();
  subscription.answer = undefined;
}
