/**
 * Joins and leaves in great number, in a process of its own; prints the size of the heap before and after, as JSON.
 *
 * @module
 */

import process from "node:process";
import { type GroupConnection, Groups, MemoryHub } from "../../lib/groups/mod.ts";

const JOINS = Number(process.argv[2] ?? 1_000_000);
const GROUPS = 5_000;
const CONNECTIONS = 1_000;

/** A connection that can only end. */
class Idle implements GroupConnection {
  readonly bufferedAmount = 0;
  readonly closed: Promise<{ closeCode: number; reason: string }>;
  end!: () => void;

  constructor() {
    this.closed = new Promise((resolve) => this.end = () => resolve({ closeCode: 1000, reason: "" }));
  }

  send(): Promise<void> {
    return Promise.resolve();
  }

  close(): void {}
}

interface Collectors {
  readonly gc?: () => void;
  readonly Bun?: { gc(synchronously: true): void };
}
const { gc, Bun } = globalThis as unknown as Collectors;

/** Collects what can be collected, and tells how much is left. */
async function heapSize(): Promise<number> {
  for (let i = 0; i < 5; i++) {
    await new Promise((resolve) => setTimeout(resolve, 100));
    if (Bun !== undefined) Bun.gc(true);
    else gc!();
  }
  return process.memoryUsage().heapUsed;
}

const groups = new Groups({ broker: new MemoryHub().connect() });

/** Lets every connection join and leave in turn, and all of them close in the end. */
async function churn(joins: number): Promise<void> {
  const connections = Array.from({ length: CONNECTIONS }, () => new Idle());
  for (let i = 0; i < joins; i++) {
    const connection = connections[i % CONNECTIONS]!;
    groups.join(`group ${i % GROUPS}`, connection, { as: `member ${i % CONNECTIONS}` });
    // Some stay until they close.
    if (i % 10 > 0) groups.leave(`group ${i % GROUPS}`, connection);
    if (i % 1_000 === 0) {
      await groups.publish(`group ${i % GROUPS}`, "news");
      await new Promise((resolve) => setTimeout(resolve));
    }
  }
  for (const connection of connections) connection.end();
  await Promise.all(connections.map(({ closed }) => closed));
}

await churn(JOINS / 10);
const before = await heapSize();
await churn(JOINS);
const after = await heapSize();
const left = Array.from({ length: GROUPS }, (_, i) => groups.members(`group ${i}`).size).reduce((a, b) =>
  a + b
);
await groups.close();
console.log(JSON.stringify({ before, after, left }));
