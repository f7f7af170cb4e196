/**
 * Subscribes at whichever node has a channel, over connections that are replaced when they break.
 *
 * @module
 */

import type { DeliverPlain, RedisCommand, RedisLinkEvents } from "./link.ts";

/** The pauses before connecting again, in milliseconds: twice as long each time, up to a bound. */
const FIRST_PAUSE = 50;
const LAST_PAUSE = 1_000;

/** How often a channel is looked for at another node before that counts as failed. */
const ATTEMPTS = 5;

/** What a server answers that will not take a subscription, however often it is asked. */
const REFUSED = /\bNOPERM\b/;

/** A connection to a node. It is used until it breaks, and never connects again. */
export interface NodeConnection {
  /** Connects; `lost` is called when that is over. */
  connect(lost: (error: unknown) => void): Promise<unknown>;
  /** Subscribes to a channel. */
  subscribe(channel: string, deliver: DeliverPlain): Promise<unknown>;
  /** Ends that. */
  unsubscribe(channel: string): Promise<unknown>;
  /** Sends a command, if it can do that. */
  send?(command: RedisCommand): Promise<unknown>;
  /** Ends the connection. */
  destroy(): void;
}

/** Where nodes are. */
export interface Nodes {
  /** The node that is needed whatever is subscribed to. */
  readonly home?: string;
  /** Tells which node has a channel, as far as is known; `undefined` if none does. */
  nodeOf(channel: string): string | undefined;
  /** Makes a connection to a node. */
  connectionTo(node: string): NodeConnection | Promise<NodeConnection>;
  /** Finds out where a channel is now. */
  locate?(channel: string): Promise<unknown>;
  /** Tells whether what sends can reach the node that has a channel; it connects by itself. @default it can */
  canSend?(channel: string): boolean;
}

interface Node {
  readonly connection: NodeConnection;
  live: boolean;
}

interface Subscription {
  readonly deliver: DeliverPlain;
  /** Where it is; `undefined` while it is nowhere. */
  node: Node | undefined;
  /** Settles when the attempt that is under way has ended. */
  placing: Promise<void> | undefined;
}

/** Keeps subscriptions at the nodes that have their channels. */
export class NodeSubscriber {
  readonly #nodes: Nodes;
  readonly #connections = new Map<string, Promise<Node>>();
  readonly #live = new Map<string, Node>();
  readonly #subscriptions = new Map<string, Subscription>();
  #events: RedisLinkEvents | undefined;
  #recovering = false;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /**
   * Makes a subscriber that is not connected.
   *
   * @param nodes Where nodes are.
   */
  constructor(nodes: Nodes) {
    this.#nodes = nodes;
  }

  /** The connection to the home node, if there is one now. */
  get home(): NodeConnection | undefined {
    return this.#live.get(this.#nodes.home ?? "")?.connection;
  }

  /** Connects to the home node; tries until it is there, or it is closed. */
  open(events: RedisLinkEvents): Promise<void> {
    this.#events = events;
    return this.#recover();
  }

  /** Subscribes to a channel. */
  async subscribe(channel: string, deliver: DeliverPlain): Promise<void> {
    const subscription: Subscription = { deliver, node: undefined, placing: undefined };
    this.#subscriptions.set(channel, subscription);
    try {
      await this.#place(channel, subscription);
    } catch (error) {
      this.#subscriptions.delete(channel);
      throw error;
    }
  }

  /** Ends that. */
  async unsubscribe(channel: string): Promise<void> {
    const subscription = this.#subscriptions.get(channel);
    if (subscription === undefined) return;
    this.#subscriptions.delete(channel);
    await subscription.placing?.catch(ignore);
    if (subscription.node?.live) await subscription.node.connection.unsubscribe(channel);
  }

  /** Ends all connections. */
  close(): void {
    this.#events = undefined;
    clearTimeout(this.#timer);
    this.#subscriptions.clear();
    for (const node of this.#live.values()) this.#end(node);
    this.#live.clear();
  }

  #place(channel: string, subscription: Subscription): Promise<void> {
    const placing = this.#tryToPlace(channel, subscription).finally(() => subscription.placing = undefined);
    return subscription.placing = placing;
  }

  async #tryToPlace(channel: string, subscription: Subscription): Promise<void> {
    for (let attempt = 1;; attempt++) {
      try {
        const key = this.#nodes.nodeOf(channel);
        if (key === undefined) throw new Error("No node of the cluster has the channel");
        const node = await this.#connect(key);
        await node.connection.subscribe(channel, subscription.deliver);
        if (!node.live) throw new Error("The connection to Redis is lost");
        subscription.node = node;
        return;
      } catch (error) {
        if (attempt === ATTEMPTS || !`${error}`.includes("MOVED")) throw error;
        await this.#locate(channel);
      }
    }
  }

  #connect(key: string): Promise<Node> {
    let connecting = this.#connections.get(key);
    if (connecting === undefined) {
      connecting = this.#connectNow(key);
      this.#connections.set(key, connecting);
      connecting.catch(() => this.#connections.delete(key));
    }
    return connecting;
  }

  async #connectNow(key: string): Promise<Node> {
    const connection = await this.#nodes.connectionTo(key);
    const node: Node = { connection, live: true };
    try {
      await connection.connect((error) => this.#lose(key, node, error));
      if (!node.live) throw new Error("The connection to Redis is lost");
      if (this.#events === undefined) throw new Error("The broker is closed");
    } catch (error) {
      this.#end(node);
      throw error;
    }
    this.#live.set(key, node);
    return node;
  }

  #end(node: Node): void {
    node.live = false;
    node.connection.destroy();
  }

  #lose(key: string, node: Node, error: unknown): void {
    if (!node.live) return;
    this.#end(node);
    // Not one that is only about to connect: whoever waits for it is told.
    if (this.#live.get(key) !== node) return;
    this.#live.delete(key);
    this.#connections.delete(key);
    for (const subscription of this.#subscriptions.values()) {
      if (subscription.node === node) subscription.node = undefined;
    }
    this.#events?.lost(error);
    void this.#recover();
  }

  /** Connects and subscribes until nothing is missing. */
  async #recover(): Promise<void> {
    if (this.#recovering) return;
    this.#recovering = true;
    for (let pause = FIRST_PAUSE; this.#events !== undefined; pause = Math.min(pause * 2, LAST_PAUSE)) {
      if (await this.#isWhole()) break;
      await new Promise<void>((resolve) => this.#timer = setTimeout(resolve, pause));
    }
    this.#recovering = false;
    this.#events?.ready();
  }

  /** Tries once to connect and subscribe to all that is missing. */
  async #isWhole(): Promise<boolean> {
    const { home } = this.#nodes;
    try {
      if (home !== undefined) await this.#connect(home);
    } catch (error) {
      this.#events?.lost(error);
      return false;
    }
    const missing = [...this.#subscriptions].filter(([, { node, placing }]) =>
      node === undefined && placing === undefined
    );
    const failed: string[] = [];
    await Promise.all(missing.map(async ([channel, subscription]) => {
      try {
        await this.#place(channel, subscription);
      } catch (error) {
        if (REFUSED.test(`${error}`)) {
          this.#subscriptions.delete(channel);
          this.#events?.refused(channel);
        } else {
          failed.push(channel);
          this.#events?.lost(error);
        }
      }
    }));
    if (failed.length > 0) await this.#locate(failed[0]!);
    // What was lost while the others were being subscribed to comes next; what sends comes back in its own time.
    return ![...this.#subscriptions].some(([channel, { node, placing }]) =>
      (node === undefined && placing === undefined) || this.#nodes.canSend?.(channel) === false
    );
  }

  /** Asks where a channel is, for no longer than a pause: whoever should know may be away as well. */
  #locate(channel: string): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, LAST_PAUSE);
      const end = () => {
        clearTimeout(timer);
        resolve();
      };
      if (this.#nodes.locate === undefined) end();
      else this.#nodes.locate(channel).then(end, end);
    });
  }
}

function ignore(): void {}
