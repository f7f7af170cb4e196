import { test } from "node:test";
import { assert, assertEquals } from "#std/assert";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { connect, type Socket } from "node:net";

import { WebSocket } from "ws";
import { runtimes } from "../support/runtimes.ts";
import { startDemo } from "./program.ts";

/** What a peer tries to send behind a head that is refused. */
const FLOOD = 512 * 1_048_576;

/** What the demo may grow by while it throws that away, in bytes: garbage that waits for the collector. */
const MOST_GROWTH = 256 * 1_048_576;

/** Heads that are refused: one that is no upgrade, and one whose key nobody has. */
const REFUSED: Record<string, readonly string[]> = {
  "426 ": ["GET /echo HTTP/1.1", "Host: 127.0.0.1", "Upgrade: websocket", "Connection: Upgrade"],
  "403 ": [
    "GET /echo?key=guess HTTP/1.1",
    "Host: 127.0.0.1",
    "Upgrade: websocket",
    "Connection: Upgrade",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
  ],
};

/** Asks the demo where its tap is. */
async function tapPort(url: string): Promise<number> {
  const page = new WebSocket(`${url.replace("http", "ws")}echo/frames`);
  const [message] = await once(page, "message");
  page.close();
  return JSON.parse(String(message)).port;
}

/** Sends a head, and behind it as much as is taken. Resolves with the status line. */
async function flood(port: number, head: readonly string[]): Promise<string> {
  // The server ends its direction with the refusal; this client goes on.
  const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
  socket.on("error", () => {}); // it is cut, sooner or later
  let answer = "";
  socket.on("data", (chunk) => answer += chunk);
  const closed = new Promise<void>((resolve) => socket.on("close", () => resolve()));
  socket.write(`${head.join("\r\n")}\r\n\r\n`);
  await Promise.race([pour(socket), closed]);
  socket.destroy();
  await closed;
  return /^HTTP\/1\.1 (.*)\r\n/.exec(answer)?.[1] ?? answer;
}

async function pour(socket: Socket): Promise<void> {
  const block = new Uint8Array(1_048_576);
  for (let sent = 0; sent < FLOOD && socket.writable; sent += block.length) {
    await new Promise((resolve) => socket.write(block, resolve));
  }
}

/** The most memory that a process had since it began, in bytes. */
function peakOf(pid: number): number {
  return 1_024 * Number(/VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))![1]);
}

for (const runtime of runtimes) {
  test(`tap on ${runtime}: what comes behind a refused head is not kept`, async () => {
    const { program, url } = await startDemo(runtime);
    try {
      const port = await tapPort(url);
      const before = peakOf(program.pid);
      for (const [status, head] of Object.entries(REFUSED)) {
        const answer = await flood(port, head);
        assertEquals(answer.slice(0, 4), status);
      }

      const growth = peakOf(program.pid) - before;
      console.log(`tap on ${runtime}: ${(growth / 1_048_576).toFixed(0)} MiB more at the peak`);
      assert(growth < MOST_GROWTH, `it grew by ${growth} bytes`);
    } finally {
      await program.stop("SIGKILL");
    }
  });
}
