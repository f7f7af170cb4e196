/**
 * Visitors of the demo who are no browsers.
 *
 * @module
 */

import { once } from "node:events";
import { WebSocket } from "ws";
import { afterPatience } from "../support/patience.ts";

/** How long an answer may take on an idle machine, in milliseconds: longer than the demo waits for its broker. */
const LIMIT = 15_000;

/** A message of the demo's. */
export interface Told {
  readonly type: string;
  readonly [field: string]: unknown;
}

/** A visitor, who is no browser. */
export class Visitor {
  readonly socket: WebSocket;
  /** Resolves with the code when it is over. */
  readonly closed: Promise<number>;
  readonly told: Told[] = [];
  #wake: () => void = () => {};

  constructor(url: string, path = "chat") {
    this.socket = new WebSocket(url.replace("http", "ws") + path);
    this.socket.on("message", (data) => {
      this.told.push(JSON.parse(String(data)));
      this.#wake();
    });
    this.socket.on("error", () => {}); // it was refused, or cut by us
    this.closed = new Promise((resolve) => this.socket.on("close", resolve));
  }

  /** Sends a message, once that is possible. */
  async send(message: Readonly<Record<string, unknown>>): Promise<void> {
    if (this.socket.readyState === WebSocket.CONNECTING) await once(this.socket, "open");
    this.socket.send(JSON.stringify(message));
  }

  /**
   * Asks for a nickname and resolves with the answer: `welcome` or `refused`.
   *
   * @param since Where in the history it has been before.
   */
  async enter(name: string, key: string, since?: unknown): Promise<string> {
    const answers = () => this.told.filter(({ type }) => type === "welcome" || type === "refused");
    const before = answers().length;
    await this.send({ name, key, since });
    await this.until(() => answers().length > before);
    return answers().at(-1)!.type;
  }

  /** Waits until something was told. */
  async until(found: () => boolean): Promise<void> {
    let late = false;
    const stopWaiting = afterPatience(LIMIT, () => {
      late = true;
      this.#wake();
    });
    try {
      while (!found()) {
        if (late) {
          throw new Error(`Nothing came within ${LIMIT} ms behind ${JSON.stringify(this.told.slice(-5))}`);
        }
        await new Promise<void>((resolve) => this.#wake = resolve);
      }
    } finally {
      stopWaiting();
    }
  }

  /** What came for this visitor alone. */
  get direct(): unknown[] {
    return this.told.filter(({ type }) => type === "direct").map(({ text }) => text);
  }

  /** What was said to all and what was told about who came and went, in order. */
  get heard(): unknown[] {
    return this.told.filter(({ type }) => type === "message" || type === "notice").map(({ text }) => text);
  }

  /** Waits until something was said to all. */
  async hears(text: string): Promise<void> {
    await this.until(() => this.heard.includes(text));
  }

  /** Waits until something of a type was told, and returns the first. */
  async isTold(type: string): Promise<Told> {
    const find = () => this.told.find((one) => one.type === type);
    await this.until(() => find() !== undefined);
    return find()!;
  }

  /** Where in the history the latest message stands. */
  get position(): { readonly epoch: string; readonly offset: number } {
    const last = this.told.findLast(({ position }) => position !== undefined);
    return last!.position as { epoch: string; offset: number };
  }
}
