/**
 * A large message, streamed by Sluice to what others wrote, and from there back to Sluice as a stream.
 *
 * @module
 */

import { test } from "node:test";
import { assertEquals } from "#std/assert";
import { createHash } from "node:crypto";
import { chromium } from "playwright-core";
import { connect, type IncomingMessage, serve } from "../../lib/adapters/node.ts";
import { LONG } from "../support/long.ts";
import { findProgram, requires } from "../support/requires.ts";
import { useServers } from "./servers.ts";

const CHUNK = 65_536;
/** In MiB. */
const SIZE = LONG ? 64 : 16;
const ANY_SIZE = { maxMessageSize: Infinity };

const urlOf = useServers({
  "ws": { runtime: "node", script: "ws_echo.ts" },
  "Bun's server": { runtime: "bun", script: "bun_echo.ts" },
});

/** A source of bytes, and what has been taken of it so far. */
function source() {
  const hash = createHash("sha256");
  let taken = 0;
  const readable = new ReadableStream<Uint8Array>({
    pull(controller) {
      if (taken === SIZE * 1_048_576) return controller.close();
      const chunk = new Uint8Array(CHUNK).map((_, i) => (i * 31 >> 3) + taken / CHUNK);
      taken += CHUNK;
      hash.update(chunk);
      controller.enqueue(chunk);
    },
  }, { highWaterMark: 0 });
  return { readable, sha256: () => hash.digest("hex") };
}

async function sha256Of({ readable }: IncomingMessage): Promise<string> {
  const hash = createHash("sha256");
  for await (const part of readable) hash.update(part);
  return hash.digest("hex");
}

async function firstOf(messages: AsyncIterable<IncomingMessage>): Promise<IncomingMessage> {
  for await (const message of messages) return message;
  throw new Error("The connection ended");
}

for (const peer of ["ws", "Bun's server"]) {
  test(`${SIZE} MiB streamed to and from ${peer}`, async () => {
    const socket = await connect(urlOf(peer), ANY_SIZE);
    const messages = socket.incoming();
    const { readable, sha256 } = source();
    await socket.sendStream(readable);
    assertEquals(await sha256Of(await firstOf(messages)), sha256());
    socket.close();
    await socket.closed;
  });
}

/** Runs within the page: gives back what comes, in one message of as many bytes; returns its SHA-256. */
function echoInPage(url: string): Promise<string> {
  const socket = new WebSocket(url);
  socket.binaryType = "arraybuffer";
  return new Promise((resolve, reject) => {
    socket.onclose = ({ code }) => reject(new Error(`It closed with ${code}`));
    socket.onmessage = async ({ data }) => {
      socket.send(data);
      const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", data));
      resolve(Array.from(digest, (octet) => octet.toString(16).padStart(2, "0")).join(""));
    };
  });
}

test(`${SIZE} MiB streamed to and from a page in Chromium`, requires("chromium"), async () => {
  const came = Promise.withResolvers<string>();
  const { readable, sha256 } = source();
  const server = await serve({
    hostname: "127.0.0.1",
    ...ANY_SIZE,
    fetch: () => new Response("<!doctype html>", { headers: { "Content-Type": "text/html" } }),
  }, async (socket) => {
    const messages = socket.incoming();
    await socket.sendStream(readable);
    came.resolve(await sha256Of(await firstOf(messages)));
  });
  const browser = await chromium.launch({
    executablePath: findProgram("chromium")!,
    args: ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"],
  });
  try {
    const host = "port" in server.address ? `127.0.0.1:${server.address.port}` : "";
    const page = await browser.newPage();
    await page.goto(`http://${host}/`);
    const inPage = await page.evaluate(echoInPage, `ws://${host}/`);
    const expected = sha256();
    assertEquals([inPage, await came.promise], [expected, expected]);
  } finally {
    await browser.close();
    await server.close({ timeout: 100 });
  }
});
