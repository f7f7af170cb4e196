/**
 * A server whose connections each carry one letter only, handled in every way that there is.
 *
 * The path says how a connection is handled, its query which letter it has. What a handler gets is checked, and sent back.
 *
 * @module
 */

import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { attach } from "../../lib/adapters/node.ts";
import { prepare, toWebSocket, type WebSocketConnection } from "../../mod.ts";
import { makeRandom, SEED } from "../faults/random.ts";
import type { Certificate } from "../support/certificate.ts";
import { sleep } from "../support/serving.ts";
import { serve } from "../support/sluice.ts";
import { portOf } from "../support/wire.ts";

/** How a connection is made. */
export type Way = "tcp" | "tls" | "upgrade";

/** Tells of bytes that are not a connection's own. */
export type OnForeign = (where: string) => void;

/** What is not a letter's in some data; `""` if that is nothing. */
export function foreignIn(data: string | Uint8Array, letter: number): string {
  const text = typeof data === "string";
  for (let at = 0; at < data.length; at++) {
    const unit = text ? data.charCodeAt(at) : data[at]!;
    if (unit !== letter) {
      return `${unit} at ${at} of ${data.length} in place of ${letter} in ${text ? "text" : "bytes"}`;
    }
  }
  return "";
}

type Check = <Data extends string | Uint8Array>(data: Data) => Data;
type Mode = (socket: WebSocketConnection, check: Check) => Promise<unknown>;

const random = makeRandom(SEED);

/** Waits now and then, so that what has come waits unread while others are served. */
function pause(): Promise<void> | undefined {
  const chance = random();
  return chance < 0.05
    ? sleep(5)
    : chance < 0.4
    ? new Promise((resolve) => setImmediate(resolve))
    : undefined;
}

/** Reads a stream of bytes into memory of our own, in steps of any size. */
async function readByob(readable: ReadableStream<unknown>, check: Check): Promise<Uint8Array> {
  const reader = (readable as ReadableStream<Uint8Array<ArrayBuffer>>).getReader({ mode: "byob" });
  const parts: Uint8Array[] = [];
  for (let size = 64;; size = size * 3 % 65_521) {
    const { done, value } = await reader.read(new Uint8Array(size));
    if (done) break;
    parts.push(check(value));
    await pause();
  }
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

/** Reads a stream part by part; each is looked at when the next has come, too. */
async function* checked<Data>(readable: ReadableStream<Data>, check: Check): AsyncGenerator<Data, void> {
  let last: Data | undefined;
  for await (const part of readable) {
    check(part as string);
    yield part;
    if (last !== undefined) check(last as string);
    last = part;
    await pause();
  }
  if (last !== undefined) check(last as string);
}

const MODES: Readonly<Record<string, Mode>> = {
  async iterate(socket, check) {
    for await (const message of socket) {
      await pause();
      await socket.send(check(message));
      check(message);
    }
  },
  pipe: ({ readable, writable }) => readable.pipeTo(writable),
  async prepare(socket, check) {
    for await (const message of socket) await socket.send(prepare(check(message)));
  },
  async hurry(socket, check) {
    // Many sends at a time, none of them awaited.
    for await (const message of socket) socket.send(check(message)).catch(() => {});
  },
  async late(socket, check) {
    await sleep(60);
    for await (const message of socket.incoming()) {
      // What has come of it waits while others are served.
      await sleep(random() * 20);
      await socket.send(check(message.type === "text" ? await message.text() : await message.bytes()));
    }
  },
  async incoming(socket, check) {
    for await (const message of socket.incoming()) {
      const parts = ReadableStream.from(checked(message.readable, check));
      await socket.sendStream(parts, { type: message.type });
    }
  },
  async byob(socket, check) {
    for await (const message of socket.incoming()) {
      if (message.type === "text") await socket.send(check(await message.text()));
      else await socket.send(await readByob(message.readable, check));
    }
  },
  face(socket, check) {
    const face = toWebSocket(socket);
    face.binaryType = "arraybuffer";
    face.onmessage = ({ data }) => {
      check(typeof data === "string" ? data : new Uint8Array(data));
      face.send(data);
    };
    return socket.closed;
  },
};

/** Nobody is late on a machine that is busy with other things. */
export const PATIENT = { handshakeTimeout: 300_000, closeTimeout: 300_000, keepalive: false } as const;

/** The ways in which connections are handled. */
export const modes: readonly string[] = Object.keys(MODES);

/** Starts a server; returns its port, and how to stop it. */
export async function startCanary(
  way: Way,
  certificate: Certificate | undefined,
  onForeign: OnForeign,
): Promise<{ port: number; stop(): Promise<void> }> {
  const handle = (socket: WebSocketConnection, { url }: { readonly url: URL }) => {
    const letter = Number(url.searchParams.get("letter"));
    const mode = url.pathname.slice(1);
    return MODES[mode]!(socket, (data) => {
      const foreign = foreignIn(data, letter);
      if (foreign !== "") onForeign(`the server's handler, ${mode}: ${foreign}`);
      return data;
    });
  };
  const options = { ...PATIENT, compression: { contextTakeover: true, threshold: 0 }, onError() {} } as const;
  if (way !== "upgrade") {
    const tls = way === "tls" ? { tls: certificate! } : {};
    const server = await serve({ hostname: "127.0.0.1", ...options, ...tls }, handle);
    return { port: portOf(server), stop: () => server.close({ timeout: 100 }) };
  }
  const http = createServer();
  const attached = attach(http, options, handle);
  await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
  return {
    port: (http.address() as AddressInfo).port,
    stop: async () => {
      await attached.close({ timeout: 100 });
      http.close();
    },
  };
}
