/**
 * The echo console: `/echo` sends each message back, `/echo/frames` shows the frames of a connection to the tap.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { randomBytes } from "node:crypto";
import type { WebSocketConnection } from "../../lib/adapters/node.ts";
import type { Feature } from "./feature.ts";
import { FrameReader } from "./frame_reader.ts";
import { tapEcho, type Wire } from "./tap.ts";

/** How much may wait for a page that does not keep up, in bytes; then frames are left out, and counted. */
const WAITING_LIMIT = 1_048_576;

/**
 * Starts the tap.
 *
 * @param hostname Where it listens.
 */
export async function echo(hostname: string): Promise<Feature> {
  const pages = new Map<string, WebSocketConnection>();
  const tap = await tapEcho(hostname, (key) => {
    const page = pages.get(key);
    return page && showOn(page);
  });

  /** Tells a page where the tap is, with a key of its own, for as long as it is there. */
  async function inspect(page: WebSocketConnection): Promise<void> {
    const key = randomBytes(6).toString("hex");
    pages.set(key, page);
    await page.send(JSON.stringify({ type: "tap", port: tap.port, path: `/echo?key=${key}` }));
    await page.closed.finally(() => pages.delete(key));
  }

  return {
    doors: {
      // Reads no faster than the client takes the answers.
      "/echo": () => ({ readable, writable }) => readable.pipeTo(writable),
      "/echo/frames": () => inspect,
    },
    close: () => tap.close(),
  };
}

/** Shows a connection's bytes on a page: the two heads of the handshake, then each frame. */
function showOn(page: WebSocketConnection): Wire {
  const start = performance.now();
  let skipped = 0;
  const show = (what: Record<string, unknown>) => {
    if (page.bufferedAmount > WAITING_LIMIT) return void skipped++;
    page.send(JSON.stringify({ ...what, at: performance.now() - start, skipped })).catch(() => {});
    skipped = 0;
  };
  const reader = (from: "client" | "server") =>
    new FrameReader({
      head: (text) => show({ type: "head", from, text }),
      frame: ({ bytes, size }) =>
        show({ type: "frame", from, size, bytes: Buffer.from(bytes).toString("hex") }),
    });
  const [client, server] = [reader("client"), reader("server")];
  return { received: (chunk) => client.push(chunk), sent: (chunk) => server.push(chunk) };
}
