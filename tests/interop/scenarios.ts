/**
 * What every client does with every server, and what must come of it.
 *
 * @module
 */

import { jsonMessage } from "../../bench/json.ts";
import type { End, Session } from "./session.ts";

/** A server, as a client sees it. */
export interface Target {
  readonly name: string;
  /** Echoes. */
  readonly echo: string;
  /** Takes the first step, as `tests/servers/initiator.ts` does. */
  readonly initiator: string;
  /** Whether it can ping. */
  readonly pings: boolean;
  /** How many messages make a series. */
  readonly series?: number;
}

/** Something to do on a connection of its own. */
export interface Scenario {
  readonly name: string;
  /** Where to connect to. */
  readonly url: (target: Target) => string;
  /** Does it, and returns something that survives JSON. */
  readonly run: (session: Session, target: Target) => Promise<unknown>;
  /** What `run` returns if all is well. */
  readonly expected: unknown;
  /** Who must be able to ping for this to make sense. */
  readonly needsPing?: "client" | "server";
  /** Who must be able to send fragments for this to make sense. */
  readonly needsFragments?: "client" | "server";
  /** How long it may take, in milliseconds, if that is much. */
  readonly limit?: number;
}

const MEBIBYTE = 1_048_576;
const TEXT = "Hello, wörld: \u{1f30a} \0 \ufeff end";

const CLOSED: End = { code: 4000, reason: "bye — süß", clean: true };
const CLOSED_BY_SERVER: End = { code: 4001, reason: "enough — süß", clean: true };

/** Everything that is tried, with compression or without. */
export const scenarios: readonly Scenario[] = [
  await echoing("text", TEXT),
  await echoing("binary", Uint8Array.from({ length: 256 }, (_, i) => i)),
  await echoing("empty text", ""),
  await echoing("empty binary", new Uint8Array(0)),
  await echoing("1 MiB of text", "0123456789abcde\n".repeat(MEBIBYTE / 16)),
  await echoing("1 MiB of binary", Uint8Array.from({ length: MEBIBYTE }, (_, i) => (i * 7) ^ (i >> 9))),
  {
    name: "a Ping of the client",
    url: ({ echo }) => echo,
    run: async (session) => {
      const roundTrip = await session.ping(new TextEncoder().encode("are you there?"));
      return roundTrip >= 0 && roundTrip < 10_000;
    },
    expected: true,
    needsPing: "client",
  },
  {
    name: "a Ping of the server",
    url: ({ initiator }) => `${initiator}/ping?data=are+you+there%3F`,
    run: (session) => session.receive(),
    expected: "answered",
    needsPing: "server",
  },
  {
    name: "a close by the client",
    url: ({ echo }) => echo,
    run: (session) => {
      session.close(CLOSED.code, CLOSED.reason);
      return session.closed;
    },
    expected: CLOSED,
  },
  {
    name: "a close by the server",
    url: ({ initiator }) => {
      const { code, reason } = CLOSED_BY_SERVER;
      return `${initiator}/close?code=${code}&reason=${encodeURIComponent(reason)}`;
    },
    run: (session) => session.closed,
    expected: CLOSED_BY_SERVER,
  },
];

const PARTS = [0, 1, 2].map((i) => jsonMessage(1_500, i));

/** What is tried with compression. */
export const deflateScenarios: readonly Scenario[] = [
  ...scenarios,
  {
    name: "the extension",
    url: ({ echo }) => echo,
    run: ({ extensions }) => Promise.resolve(/^permessage-deflate\b/.test(extensions)),
    expected: true,
  },
  {
    name: "fragments of the client",
    url: ({ echo }) => echo,
    run: async (session) => {
      if (session.sendFragments === undefined) return false;
      session.sendFragments(PARTS);
      return await session.receive() === PARTS.join("");
    },
    expected: true,
    needsFragments: "client",
  },
  {
    name: "fragments of the server",
    url: ({ echo }) => `${echo}/fragments`,
    run: async (session) => {
      session.send(PARTS.join(""));
      return await session.receive() === PARTS.join("");
    },
    expected: true,
    needsFragments: "server",
  },
  {
    name: "a series of JSON",
    url: ({ echo }) => echo,
    run: (session, { series = 0 }) => exchangeSeries(session, series),
    expected: true,
    limit: 40_000,
  },
];

/** How many messages of a series may be under way. */
const UNDER_WAY = 64;

/** Sends a series; all must come back, each as it was and in their order. */
async function exchangeSeries(session: Session, count: number): Promise<boolean> {
  const message = (i: number) => jsonMessage(100 + (i * 7919) % 1_901, i);
  for (let sent = 0, received = 0; received < count; received++) {
    while (sent < count && sent - received < UNDER_WAY) session.send(message(sent++));
    if (await session.receive() !== message(received)) throw new Error(`Message ${received} is another`);
  }
  return true;
}

/** Sends one message; the echo must be the same. */
async function echoing(name: string, message: string | Uint8Array<ArrayBuffer>): Promise<Scenario> {
  return {
    name,
    url: ({ echo }) => echo,
    run: async (session) => {
      session.send(message);
      return await summary(await session.receive());
    },
    expected: await summary(message),
  };
}

/** Stands for a message: its kind, its size in bytes and its digest. */
async function summary(message: string | Uint8Array): Promise<string> {
  const text = typeof message === "string";
  const bytes = text ? new TextEncoder().encode(message) : new Uint8Array(message);
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  const hex = Array.from(digest.subarray(0, 8), (octet) => octet.toString(16).padStart(2, "0")).join("");
  return `${text ? "text" : "binary"} of ${bytes.length} bytes, ${hex}`;
}
