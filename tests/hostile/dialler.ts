/**
 * Gives orders to clients in a process of their own.
 *
 * @module
 */

import { fileURLToPath } from "node:url";
import { Subject } from "../faults/faulty.ts";
import type { Order, Outcome, Remains } from "../servers/dialler.ts";
import { COLLECTING } from "../support/heap.ts";
import { type Runtime, startServer } from "../support/runtimes.ts";

/** The process of the clients. */
export class Dialler extends Subject {
  /** Has clients do something; tells what became of them. */
  async order(order: Order): Promise<Outcome> {
    const body = JSON.stringify(order);
    const response = await fetch(`http://127.0.0.1:${this.port}/order`, { method: "POST", body });
    return await response.json() as Outcome;
  }

  /** Asks for a page, which does not go over TLS whatever the clients' connections do. */
  override async page(path: string): Promise<{ status: number; body: string }> {
    const response = await fetch(`http://127.0.0.1:${this.port}${path}`);
    return { status: response.status, body: await response.text() };
  }

  /** What is left in the process when garbage is collected. */
  async remains(): Promise<Remains> {
    return JSON.parse((await this.page("/remains")).body);
  }
}

/** Runs something with clients on a runtime. */
export async function withDialler(runtime: Runtime, run: (dialler: Dialler) => Promise<void>): Promise<void> {
  const path = fileURLToPath(new URL("../servers/dialler.ts", import.meta.url));
  const dialler = new Dialler(await startServer(runtime, path, [], { env: COLLECTING }));
  try {
    await run(dialler);
  } finally {
    await dialler.stop();
  }
}
