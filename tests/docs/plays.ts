/**
 * What each whole script of the documentation is tried with.
 *
 * @module
 */

import { assert, assertEquals, assertMatch } from "#std/assert";
import { once } from "node:events";
import { WebSocket } from "ws";
import type { Program } from "../examples/program.ts";
import { vanish } from "../examples/vanish.ts";
import type { BrokerName } from "../support/brokers.ts";
import { type Runtime, runtimes } from "../support/runtimes.ts";

/** What a play has: the script that runs, where it listens, and a second process of it if there are brokers. */
export interface Stage {
  readonly program: Program;
  readonly port: number;
  readonly otherPort: number;
}

/** One script on some runtimes. */
export interface Play {
  readonly page: string;
  readonly file: string;
  readonly on: readonly Runtime[];
  /** A script of the page that runs beside it. */
  readonly beside?: string;
  /** What carries messages between two processes of it. */
  readonly broker?: BrokerName;
  /** What a reader does with a script that goes on. */
  readonly talk?: (stage: Stage) => Promise<void>;
  /** What a script that ends by itself prints. */
  readonly prints?: RegExp;
}

/** A client that remembers what it got. */
class Client {
  readonly socket: WebSocket;
  readonly #got: string[] = [];
  #wake: () => void = () => {};

  private constructor(socket: WebSocket) {
    this.socket = socket;
    socket.on("message", (data) => {
      this.#got.push(String(data));
      this.#wake();
    });
  }

  static async open(port: number, path = "/", options: object = {}): Promise<Client> {
    const client = new Client(new WebSocket(`ws://127.0.0.1:${port}${path}`, options));
    await once(client.socket, "open");
    return client;
  }

  /** Sends a text and waits for the next message. */
  async says(text: string): Promise<string> {
    this.socket.send(text);
    return await this.next();
  }

  async next(): Promise<string> {
    while (this.#got.length === 0) await new Promise<void>((resolve) => this.#wake = resolve);
    return this.#got.shift()!;
  }

  /** Waits for a message, whatever comes before it. */
  async hears(text: string): Promise<void> {
    while (await this.next() !== text);
  }

  /** Waits for the end; returns the close code. */
  async ended(): Promise<number> {
    const [code] = await once(this.socket, "close");
    return code;
  }
}

/** Asks for a WebSocket and returns the status of the refusal. */
async function refusal(port: number, path: string, options: object = {}): Promise<number> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}${path}`, options);
  socket.on("error", () => {}); // it was cut, by us
  const [, response] = await once(socket, "unexpected-response");
  socket.terminate();
  return response.statusCode;
}

async function page(port: number, path = "/", options: RequestInit = {}): Promise<[number, string]> {
  const headers = { connection: "close", ...options.headers };
  const response = await fetch(`http://127.0.0.1:${port}${path}`, { ...options, headers });
  return [response.status, await response.text()];
}

async function echoes({ port }: Stage): Promise<void> {
  for (const after of ["request", "answer"] as const) await vanish(port, "/", { after });
  const client = await Client.open(port);
  assertEquals(await client.says("Hello"), "Hello");
  client.socket.close(1000);
  assertEquals(await client.ended(), 1000);
}

async function greetsAndAnswers({ port, program }: Stage): Promise<void> {
  const client = await Client.open(port);
  assertEquals(await client.next(), "Say something");
  assertEquals(await client.says("Hello"), "You said: Hello");
  program.stop("SIGINT");
  assertEquals(await client.ended(), 1001);
  assertEquals(await program.exited, { code: 0, signal: null });
}

async function broadcasts({ port, otherPort }: Stage): Promise<void> {
  const [one, other] = [await Client.open(port, "/lobby"), await Client.open(otherPort, "/lobby")];
  // Who gets what it says itself has joined.
  one.socket.send("One is here");
  await one.hears("One is here");
  other.socket.send("The other is here");
  for (const client of [other, one]) await client.hears("The other is here");
  one.socket.send("Hello");
  for (const client of [one, other]) await client.hears("Hello");
}

async function welcomes(stage: Stage): Promise<void> {
  assertEquals(await page(stage.port), [200, "Plain HTTP\n"]);
  const client = await Client.open(stage.port);
  assertEquals(await client.next(), "Welcome");
  assertEquals(await client.says("Hello"), "Hello");
  client.socket.close();
  assertEquals(await stage.program.written(/(Closed)/), "Closed");
}

async function chats({ port }: Stage): Promise<void> {
  assertEquals(await page(port), [200, "Plain HTTP\n"]);
  const [ada, other] = [await Client.open(port, "/?name=ada"), await Client.open(port)];
  assertEquals(await other.says("Hi"), "someone: Hi");
  assertEquals(await ada.next(), "someone: Hi");
  assertEquals(await ada.says("Hello"), "ada: Hello");
}

async function servesPage(stage: Stage): Promise<void> {
  const [status, text] = await page(stage.port);
  assertEquals(status, 200);
  assert(text.includes("new WebSocket("), text);
  const client = await Client.open(stage.port);
  assertEquals(await client.says("Hello"), "You said: Hello");
}

async function knowsCookies({ port, program }: Stage): Promise<void> {
  assertEquals(await refusal(port, "/"), 401);
  assertEquals(await refusal(port, "/", { headers: { cookie: "session=other" } }), 401);
  assertEquals(await refusal(port, "/", { origin: "https://evil.example" }), 403);
  const client = await Client.open(port, "/", { headers: { cookie: "a=b; session=8f3a1c" } });
  assertEquals(await client.next(), "Hello, Ada");
  client.socket.send("Hi");
  assertEquals(await program.written(/(Ada: Hi)/), "Ada: Hi");
}

async function sellsTickets({ port }: Stage): Promise<void> {
  assertEquals((await page(port, "/ticket", { method: "POST" }))[0], 401);
  const headers = { authorization: "Bearer a secret" };
  const [, ticket] = await page(port, "/ticket", { method: "POST", headers });
  assertMatch(ticket, /^[\w-]{36}$/);
  assertEquals(await refusal(port, "/?ticket=none"), 401);
  const client = await Client.open(port, `/?ticket=${ticket}`);
  assertEquals(await client.next(), "Hello, Ada");
  assertEquals(await refusal(port, `/?ticket=${ticket}`), 401);
}

async function leavesWithNotice({ port, program }: Stage): Promise<void> {
  const client = await Client.open(port);
  assertEquals(await page(port, "/health"), [200, "Well\n"]);
  program.stop("SIGTERM");
  while ((await page(port, "/health"))[0] === 200);
  assertEquals(await client.says("Hello"), "Hello"); // it is still served
  assertEquals(await client.ended(), 1001);
  assertEquals(await program.exited, { code: 0, signal: null });
}

async function echoesBesideHttp({ port, program }: Stage): Promise<void> {
  assertEquals(await page(port), [200, "Hello over HTTP\n"]);
  assertEquals(await refusal(port, "/other"), 404);
  for (const path of ["/echo", "/other"]) {
    for (const after of ["request", "answer"] as const) await vanish(port, path, { after });
  }
  const client = await Client.open(port, "/echo");
  assertEquals(await client.says("Hello"), "Hello", program.output);
}

const SAID = /Say something\nYou said: Hello\n\{ ?\n? *closeCode: 1000,\s+reason: ["']{2},? ?\n?\}/;

/** All of them. */
export const plays: readonly Play[] = [
  { page: "README.md", file: "server.mjs", on: runtimes, talk: echoes },
  { page: "docs/getting_started.md", file: "server.mjs", on: ["node"], talk: greetsAndAnswers },
  { page: "docs/getting_started.md", file: "client.mjs", on: ["node"], beside: "server.mjs", prints: SAID },
  { page: "docs/getting_started.md", file: "server.ts", on: ["deno", "bun"], talk: greetsAndAnswers },
  {
    page: "docs/getting_started.md",
    file: "client.ts",
    on: ["deno", "bun"],
    beside: "server.ts",
    prints: SAID,
  },
  { page: "docs/getting_started.md", file: "page.mjs", on: runtimes, talk: servesPage },
  {
    page: "docs/backpressure.md",
    file: "slow_reader.mjs",
    on: runtimes,
    prints: /received 50, sent \d{2,3}, waiting: \d{1,6} bytes\n$/,
  },
  { page: "docs/authentication.md", file: "server.mjs", on: runtimes, talk: knowsCookies },
  { page: "docs/authentication.md", file: "tickets.mjs", on: runtimes, talk: sellsTickets },
  { page: "docs/existing_server.md", file: "http.mjs", on: runtimes, talk: echoesBesideHttp },
  { page: "docs/existing_server.md", file: "express.mjs", on: ["node"], talk: echoesBesideHttp },
  { page: "docs/existing_server.md", file: "fastify.mjs", on: ["node"], talk: echoesBesideHttp },
  { page: "docs/existing_server.md", file: "hono.mjs", on: ["node"], talk: echoesBesideHttp },
  { page: "docs/groups.md", file: "room.mjs", on: runtimes, talk: broadcasts },
  { page: "docs/groups.md", file: "redis_room.mjs", on: ["node"], broker: "redis", talk: broadcasts },
  { page: "docs/groups.md", file: "nats_room.mjs", on: ["node"], broker: "nats", talk: broadcasts },
  { page: "docs/shutting_down.md", file: "server.mjs", on: ["node"], talk: leavesWithNotice },
  { page: "docs/from_ws.md", file: "before.mjs", on: ["node"], talk: broadcasts },
  { page: "docs/from_ws.md", file: "after.mjs", on: ["node"], talk: broadcasts },
  { page: "docs/from_deno.md", file: "before.ts", on: ["deno"], talk: welcomes },
  { page: "docs/from_deno.md", file: "after.ts", on: ["deno"], talk: welcomes },
  { page: "docs/from_bun.md", file: "before.ts", on: ["bun"], talk: chats },
  { page: "docs/from_bun.md", file: "after.ts", on: ["bun"], talk: chats },
  { page: "docs/core.md", file: "server.mjs", on: ["node"], talk: echoes },
  {
    page: "docs/core.md",
    file: "client.mjs",
    on: ["node"],
    beside: "server.mjs",
    prints: /^received Hello\nclosed with 1000\n$/,
  },
  {
    page: "docs/core.md",
    file: "port.mjs",
    on: runtimes,
    prints: /^You said: Hello\nclosed with 1000\nclosed with 1000\n$/,
  },
  { page: "docs/tour.md", file: "frame.mjs", on: runtimes, prints: /^true 1 Hello\n$/ },
];
