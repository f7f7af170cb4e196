/**
 * Groups across the processes or threads of one machine: the channel between a parent and its children carries the
 * messages.
 *
 * That is what `node:cluster`, `fork` of `node:child_process` and `Worker` of `node:worker_threads` set up. The parent
 * relays, and has no members itself.
 *
 * @example A room that spans the workers of a cluster
 * ```ts ignore
 * import cluster from "node:cluster";
 * import process from "node:process";
 * import { Groups } from "@sluice/websocket/groups";
 * import { ipcBroker, IpcRelay } from "@sluice/websocket/groups/cluster_ipc";
 *
 * if (cluster.isPrimary) {
 *   const relay = new IpcRelay();
 *   for (let i = 0; i < 4; i++) relay.add(cluster.fork());
 * } else {
 *   const groups = new Groups({ broker: ipcBroker(process) });
 * }
 * ```
 *
 * @module
 */

import { aString } from "../../options/checks.ts";
import { checkOptions, type OptionTable } from "../../options/option_table.ts";
import { fromBase64, toBase64 } from "../base64.ts";
import type { Broker, BrokerEvents, Deliver } from "../broker.ts";
import { checkTtl } from "./options.ts";
import { GroupsError } from "../groups_error.ts";

/** The child's end: its own `process`, or the `parentPort` of a worker thread. */
export interface IpcParent {
  /** Sends a message; `done` is called when it has left, or could not. */
  send?(message: unknown, done?: (error: Error | null) => void): boolean;
  /** Sends a message to another thread. */
  postMessage?(message: unknown): void;
  /** Adds a listener for messages, and for the end of the channel. */
  on(event: "message" | "disconnect", listener: (message: unknown) => void): unknown;
  /** Removes it. */
  off(event: "message" | "disconnect", listener: (message: unknown) => void): unknown;
}

/** The parent's end: a worker of a cluster, a child process or a worker thread. */
export interface IpcChild {
  /** Sends a message; `done` is called when it has left, or could not. */
  send?(message: object, done?: (error: Error | null) => void): boolean;
  /** Sends a message to another thread. */
  postMessage?(message: unknown): void;
  /** Adds a listener for messages, and for the end of the channel. */
  on(event: "message" | "disconnect" | "exit", listener: (message: unknown) => void): unknown;
}

/** How to use the channel to the parent. */
export interface IpcBrokerOptions {
  /** What all channels begin with; groups meet where it is the same. @default {""} */
  prefix?: string;
  /** How long a process that died is still seen as present, in milliseconds. @default {15000} */
  presenceTtl?: number;
}

/** What goes through the channel, as an array, which is told from messages of others by its first element. */
type Row = readonly [typeof MARK, verb: Verb, channel: string, value?: string | number | undefined];
type Verb = "publish" | "subscribe" | "unsubscribe" | "subscribed" | "lost";

const MARK = "sluice-groups";

const ipcTable: OptionTable<IpcBrokerOptions> = {
  prefix: aString,
  presenceTtl: (value, name) => checkTtl(name, value),
};

/**
 * Makes a broker of the channel to the parent, which must have an {@linkcode IpcRelay}.
 *
 * @param parent The process itself, `process` of `node:process`; or the `parentPort` of a worker thread.
 * @param options The prefix, and how long a dead process is seen.
 * @throws {TypeError} If the process has no channel to a parent.
 * @throws {TypeError | RangeError} If an option is wrong.
 */
export function ipcBroker(parent: IpcParent, options: IpcBrokerOptions = {}): Broker {
  checkOptions("options", options, ipcTable, '{ prefix: "chat." }');
  const { prefix = "", presenceTtl = 15_000 } = options;
  if (typeof parent?.send !== "function" && typeof parent?.postMessage !== "function") {
    throw new TypeError("Cannot make broker: the process has no channel to a parent, it was not forked");
  }
  return new IpcBroker(parent, prefix, presenceTtl);
}

class IpcBroker implements Broker {
  readonly presenceTtl: () => Promise<number>;
  readonly #parent: IpcParent;
  readonly #prefix: string;
  readonly #subscribed = new Map<string, { deliver: Deliver; confirm: () => void }>();
  #events: BrokerEvents | undefined;
  #away = false;

  constructor(parent: IpcParent, prefix: string, presenceTtl: number) {
    this.#parent = parent;
    this.#prefix = prefix;
    this.presenceTtl = () => Promise.resolve(presenceTtl);
  }

  open(events: BrokerEvents): void {
    this.#events = events;
    this.#parent.on("message", this.#receive);
    this.#parent.on("disconnect", this.#lose);
    events.connected?.();
  }

  async publish(channel: string, payload: Uint8Array): Promise<void> {
    await this.#send("publish", channel, toBase64(payload));
  }

  async subscribe(channel: string, deliver: Deliver): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#subscribed.set(this.#prefix + channel, { deliver, confirm: resolve });
    await this.#send("subscribe", channel);
    await promise;
  }

  async unsubscribe(channel: string): Promise<void> {
    this.#subscribed.delete(this.#prefix + channel);
    await this.#send("unsubscribe", channel);
  }

  async close(): Promise<void> {
    const channels = [...this.#subscribed.keys()].map((channel) => channel.substring(this.#prefix.length));
    this.#events = undefined;
    this.#parent.off("message", this.#receive);
    this.#parent.off("disconnect", this.#lose);
    if (!this.#away) await Promise.all(channels.map((channel) => this.unsubscribe(channel)));
  }

  #send(verb: Verb, channel: string, value?: string): Promise<void> {
    if (this.#away) return Promise.reject(new GroupsError("broker-away"));
    return send(this.#parent, [MARK, verb, this.#prefix + channel, value]);
  }

  readonly #receive = (message: unknown): void => {
    if (!isRow(message)) return;
    const [, verb, channel, value] = message;
    const subscription = this.#subscribed.get(channel);
    if (verb === "subscribed") return subscription?.confirm();
    if (verb === "publish" && typeof value === "string") subscription?.deliver(fromBase64(value));
    if (verb !== "lost") return;
    this.#events?.interrupted(new GroupsError("broker-full"));
    this.#events?.restored();
  };

  readonly #lose = (): void => {
    this.#away = true;
    this.#events?.interrupted(new GroupsError("broker-away"));
  };
}

/** How many bytes may be on their way to one child before it misses messages: one that stands still must not fill memory. */
const MAX_PENDING = 16_777_216;

interface Peer {
  readonly child: IpcChild;
  readonly channels: Set<string>;
  /** How many UTF-16 units are on their way to it. */
  pending: number;
  /** How many messages it has missed since it was last told. */
  lost: number;
}

/** Relays what children publish to those that have subscribed to it. */
export class IpcRelay {
  readonly #subscribers = new Map<string, Set<Peer>>();

  /**
   * Relays for a child from now on, until its channel ends.
   *
   * @param child A worker of a cluster, what `fork` returned, or a worker thread; before it has subscribed to anything.
   */
  add(child: IpcChild): void {
    const peer: Peer = { child, channels: new Set(), pending: 0, lost: 0 };
    child.on("message", (message) => {
      if (isRow(message)) this.#receive(peer, message);
    });
    const remove = () => {
      for (const channel of [...peer.channels]) this.#unsubscribe(peer, channel);
    };
    child.on("disconnect", remove);
    child.on("exit", remove);
  }

  #receive(peer: Peer, [, verb, channel, value]: Row): void {
    if (verb === "subscribe") this.#subscribe(peer, channel);
    else if (verb === "unsubscribe") this.#unsubscribe(peer, channel);
    else if (verb === "publish" && typeof value === "string") {
      for (const other of this.#subscribers.get(channel) ?? []) {
        if (other !== peer) this.#pass(other, channel, value);
      }
    }
  }

  #subscribe(peer: Peer, channel: string): void {
    const peers = this.#subscribers.get(channel) ?? new Set();
    this.#subscribers.set(channel, peers.add(peer));
    peer.channels.add(channel);
    send(peer.child, [MARK, "subscribed", channel]).catch(ignore);
  }

  #unsubscribe(peer: Peer, channel: string): void {
    const peers = this.#subscribers.get(channel);
    peers?.delete(peer);
    if (peers?.size === 0) this.#subscribers.delete(channel);
    peer.channels.delete(channel);
  }

  #pass(peer: Peer, channel: string, payload: string): void {
    if (peer.pending > MAX_PENDING) {
      peer.lost++;
      return;
    }
    peer.pending += payload.length;
    send(peer.child, [MARK, "publish", channel, payload]).catch(ignore).then(() => {
      peer.pending -= payload.length;
      if (peer.lost === 0 || peer.pending > 0) return;
      send(peer.child, [MARK, "lost", "", peer.lost]).catch(ignore);
      peer.lost = 0;
    });
  }
}

function ignore(): void {}

/** Sends a row; resolves when it has left. */
function send(end: Pick<IpcChild, "send" | "postMessage">, row: Row): Promise<void> {
  return new Promise((resolve, reject) => {
    if (end.send !== undefined) {
      end.send([...row], (error) => error === null || error === undefined ? resolve() : reject(error));
    } else {
      end.postMessage!(row);
      resolve();
    }
  });
}

function isRow(message: unknown): message is Row {
  return Array.isArray(message) && message[0] === MARK && typeof message[1] === "string" &&
    typeof message[2] === "string";
}

/** Bytes as text: messages between processes are JSON unless both ends agree on something else. */
