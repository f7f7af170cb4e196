/**
 * The upload page: `/upload` takes files of any size, each as one message, and says what it has made of them.
 *
 * @module
 */

import { createHash } from "node:crypto";
import process from "node:process";
import type { IncomingMessage, WebSocketConnection } from "../../lib/adapters/node.ts";
import type { Feature } from "./feature.ts";

/** How often a page is told how much has come, in milliseconds. */
const INTERVAL = 100;

/** Makes the upload page's share of the server. */
export function upload(): Feature {
  return { doors: { "/upload": () => takeFiles } };
}

/** Takes one file after the other. Other pages keep the limit of the server: 1 MiB a message. */
async function takeFiles(socket: WebSocketConnection): Promise<void> {
  const tell = (what: Record<string, unknown>) => socket.send(JSON.stringify(what));
  for await (const file of socket.incoming({ maxMessageSize: Infinity })) {
    if (file.type === "binary") await takeFile(file, tell);
  }
}

/** Hashes a file while it comes: no more of it is in memory than a read or two. */
async function takeFile(
  file: IncomingMessage,
  tell: (what: Record<string, unknown>) => Promise<void>,
): Promise<void> {
  const hash = createHash("sha256");
  const idle = process.memoryUsage.rss();
  let [size, growth, told] = [0, 0, performance.now()];
  for await (const part of partsOf(file)) {
    hash.update(part);
    size += part.length;
    const now = performance.now();
    if (now - told < INTERVAL) continue;
    told = now;
    growth = Math.max(growth, process.memoryUsage.rss() - idle);
    await tell({ type: "progress", size, growth });
  }
  await tell({ type: "done", size, growth, sha256: hash.digest("hex") });
}

/** Reads into the same memory again and again; `for await` over the `readable` would do, and leave garbage. */
async function* partsOf({ readable }: IncomingMessage): AsyncGenerator<Uint8Array, void> {
  const reader = (readable as ReadableStream<Uint8Array<ArrayBuffer>>).getReader({ mode: "byob" });
  for (let memory = new Uint8Array(65_536);;) {
    const { done, value } = await reader.read(memory);
    if (done) return;
    yield value;
    memory = new Uint8Array(value.buffer);
  }
}
