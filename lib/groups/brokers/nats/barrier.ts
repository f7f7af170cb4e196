/**
 * Waits until the other nodes of a NATS cluster know of a subscription.
 *
 * A node confirms a subscription while the others are yet to be told. They are told over the same connection on which
 * messages go, and in order: who has got a message by way of another node knows that this node has heard of every
 * subscription that came before it. So a process asks, and for each node one of the processes there answers: that is
 * what a queue group with the name of the node is for.
 *
 * @module
 */

import type { NatsClient, NatsSubscription } from "../nats.ts";

/** How long to wait for answers while the nodes are not known, and for the answer of one that is, in milliseconds. */
const FIRST_ANSWERS = 250;
const LAST_ANSWER = 500;

/** A question or an answer. */
interface Note {
  /** The node that whoever sends it is connected to. */
  readonly node: string;
  /** Who asks, and the number of the question. */
  readonly asker: string;
  readonly number: number;
}

/** Asks the processes at other nodes whether they are reached. */
export class NatsBarrier {
  readonly #client: NatsClient;
  readonly #subject: string;
  readonly #id: string = crypto.randomUUID();
  readonly #subscriptions: NatsSubscription[] = [];
  /** The nodes that have processes, as far as is known. */
  readonly #nodes = new Set<string>();
  /** Who is to answer which question. */
  readonly #questions = new Map<number, { readonly missing: Set<string>; readonly end: () => void }>();
  #number = 0;
  /** Settles when the question that is under way is answered, and the one after it. */
  #current: Promise<void> | undefined;
  #next: Promise<void> | undefined;

  /**
   * Asks nothing.
   *
   * @param client Connected.
   * @param prefix What its subjects begin with.
   */
  constructor(client: NatsClient, prefix: string) {
    this.#client = client;
    this.#subject = `${prefix}barrier`;
  }

  /** Begins, again if the client is connected to another node now. */
  start(): void {
    this.stop();
    const node = this.#node;
    if (node === undefined) return;
    this.#subscribe(this.#subject, ({ node: from, asker, number }) => {
      if (from === node) return;
      this.#nodes.add(from);
      this.#send(`${this.#subject}.${asker}`, { node, asker, number });
    }, node);
    this.#subscribe(`${this.#subject}.${this.#id}`, ({ node: from, number }) => {
      this.#nodes.add(from);
      const question = this.#questions.get(number);
      if (question?.missing.delete(from) && question.missing.size === 0) question.end();
    });
    this.#current = this.#ask(FIRST_ANSWERS);
  }

  /** Ends. */
  stop(): void {
    for (const subscription of this.#subscriptions.splice(0)) subscription.unsubscribe();
    for (const { end } of [...this.#questions.values()]) end();
    this.#nodes.clear();
  }

  /** Resolves when other nodes know of what was subscribed to; after a while even if one does not answer. */
  pass(): Promise<void> {
    return this.#next ??= this.#passNext();
  }

  async #passNext(): Promise<void> {
    // One question for all that is subscribed to while the one before is under way.
    await this.#current;
    this.#next = undefined;
    if (this.#nodes.size > 0) await (this.#current = this.#ask(LAST_ANSWER, this.#nodes));
  }

  /** The node that the client is connected to; `undefined` if that is in no cluster. */
  get #node(): string | undefined {
    const { cluster, server_id } = this.#client.info ?? {};
    return cluster === undefined ? undefined : server_id;
  }

  /** Asks, and waits for the answers of nodes; of any that there are, if they are not known. */
  #ask(limit: number, nodes?: ReadonlySet<string>): Promise<void> {
    return new Promise((resolve) => {
      const number = ++this.#number;
      const missing = new Set(nodes);
      const end = () => {
        clearTimeout(timer);
        this.#questions.delete(number);
        resolve();
      };
      const timer = setTimeout(() => {
        // It has no processes any more; else it is known again by its next answer.
        for (const node of missing) this.#nodes.delete(node);
        end();
      }, limit);
      this.#questions.set(number, { missing, end });
      this.#send(this.#subject, { node: this.#node ?? "", asker: this.#id, number });
    });
  }

  #subscribe(subject: string, take: (note: Note) => void, queue?: string): void {
    const callback = (error: Error | null, { data }: { readonly data: Uint8Array }) => {
      const note = error === null ? readNote(data) : undefined;
      if (note !== undefined) take(note);
    };
    const options = queue === undefined ? { callback } : { callback, queue };
    this.#subscriptions.push(this.#client.subscribe(subject, options));
  }

  #send(subject: string, note: Note): void {
    try {
      this.#client.publish(subject, encoder.encode(JSON.stringify(note)));
    } catch {
      // The client is closed. Nobody will answer.
    }
  }
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

function readNote(data: Uint8Array): Note | undefined {
  try {
    const { node, asker, number } = JSON.parse(decoder.decode(data)) as Partial<Note>;
    const known = typeof node === "string" && typeof asker === "string" && typeof number === "number";
    return known && /^[\w-]+$/.test(asker) ? { node, asker, number } : undefined;
  } catch {
    return undefined;
  }
}
