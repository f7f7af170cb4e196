import { test } from "node:test";
import { assert, assertEquals } from "#std/assert";
import { once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { WebSocket } from "ws";
import { makeCertificate } from "../support/certificate.ts";
import { requires } from "../support/requires.ts";
import { vanish } from "./vanish.ts";
import { Program } from "./program.ts";

/** Runs a test with a script on Node, and the address that it prints; Ctrl-C has to end it well. */
async function running(
  script: string,
  args: readonly string[],
  test: (url: string) => Promise<void>,
): Promise<void> {
  const program = new Program("node", script, args);
  try {
    await test(await program.written(/(wss?:\S+)/));
    assertEquals(await program.stop("SIGINT"), { code: 0, signal: null });
  } finally {
    await program.stop("SIGKILL");
  }
}

/** A client that remembers what it got. */
class Client {
  readonly socket: WebSocket;
  readonly #got: string[] = [];
  #wake: () => void = () => {};

  constructor(url: string, options = {}) {
    this.socket = new WebSocket(url, options);
    this.socket.on("message", (data) => {
      this.#got.push(String(data));
      this.#wake();
    });
  }

  /** Waits for the next message. */
  async next(): Promise<string> {
    while (this.#got.length === 0) await new Promise<void>((resolve) => this.#wake = resolve);
    return this.#got.shift()!;
  }
}

async function open(url: string, options = {}): Promise<Client> {
  const client = new Client(url, options);
  await once(client.socket, "open");
  return client;
}

/** Asks for a WebSocket and returns the status of the refusal. */
async function statusOf(url: string): Promise<number> {
  const socket = new WebSocket(url);
  socket.on("error", () => {}); // it was cut, by us
  const [, response] = await once(socket, "unexpected-response");
  socket.terminate();
  return response.statusCode;
}

test("the short scripts have 40 lines at most", () => {
  const folder = new URL("../../examples/", import.meta.url);
  const scripts = readdirSync(folder).filter((name) => name.endsWith(".ts"));
  assertEquals(scripts.length, 12);
  for (const script of scripts) {
    const lines = readFileSync(new URL(script, folder), "utf8").trimEnd().split("\n").length;
    assert(lines <= 40, `${script} has ${lines} lines`);
  }
});

test("broadcast.ts sends to all what one sends", () =>
  running("broadcast.ts", ["0"], async (url) => {
    const clients = [await open(url), await open(url), await open(url)];
    clients[1]!.socket.send("to all");
    for (const client of clients) assertEquals(await client.next(), "to all");
  }));

test("chat.ts: rooms, notices, direct messages, who is here", () =>
  running("chat.ts", ["0"], async (address) => {
    const url = new URL(address);
    assertEquals(await statusOf(`${url.origin}/lobby?name=two words`), 400);
    const ada = await open(`${url.origin}/lobby?name=Ada`);
    assertEquals(await ada.next(), "* Ada is here");
    const other = await open(`${url.origin}/attic?name=Ada`);
    assertEquals(await other.next(), "* Ada is here");
    const grace = await open(`${url.origin}/lobby?name=Grace`);
    for (const client of [ada, grace]) assertEquals(await client.next(), "* Grace is here");
    ada.socket.send("hello");
    for (const client of [ada, grace]) assertEquals(await client.next(), "Ada: hello");
    grace.socket.send("/to Ada psst");
    assertEquals(await ada.next(), "Grace, to you alone: psst");
    grace.socket.send("/who");
    assertEquals(await grace.next(), "* /lobby:Ada, /lobby:Grace");
    grace.socket.close();
    assertEquals(await ada.next(), "* Grace left");
    other.socket.send("still alone");
    assertEquals(await other.next(), "Ada: still alone");
  }));

test("client.ts sends what is typed, and prints what comes", () =>
  running("node_server.ts", ["0"], async (url) => {
    const program = new Program("node", "client.ts", [url]);
    try {
      await program.written(/(Connected)/);
      program.type("Hello!");
      await program.written(/(Hello!\n)/);
      program.endInput();
      assertEquals(await program.exited, { code: 0, signal: null });
      assert(program.output.includes("Closed with 1000"), program.output);
    } finally {
      await program.stop("SIGKILL");
    }
  }));

test("tls.ts echoes through TLS", requires("openssl"), async () => {
  const folder = mkdtempSync(join(tmpdir(), "sluice-tls-"));
  const { cert, key } = makeCertificate();
  const [certPath, keyPath] = [join(folder, "cert.pem"), join(folder, "key.pem")];
  writeFileSync(certPath, cert);
  writeFileSync(keyPath, key);
  try {
    await running("tls.ts", [certPath, keyPath, "0"], async (url) => {
      const client = await open(url, { ca: cert });
      client.socket.send("sealed");
      assertEquals(await client.next(), "sealed");
    });
  } finally {
    rmSync(folder, { recursive: true });
  }
});

const BESIDE: Readonly<Record<string, string>> = {
  "existing_server.ts": "Hello over HTTP\n",
  "express.ts": "Hello from Express\n",
  "fastify.ts": "Hello from Fastify\n",
  "hono.ts": "Hello from Hono\n",
};

for (const [script, answer] of Object.entries(BESIDE)) {
  test(`${script} answers HTTP, and echoes beside it`, () =>
    running(script, ["0"], async (url) => {
      const page = await fetch(new URL("/", url.replace("ws", "http")), { headers: { connection: "close" } });
      assertEquals(await page.text(), answer);
      assertEquals(await statusOf(url.replace("/echo", "/other")), 404);
      const client = await open(url);
      client.socket.send("beside");
      assertEquals(await client.next(), "beside");
    }));

  test(`${script} lives on when clients vanish, and says 1001 when it ends`, () => {
    const closed = Promise.withResolvers<unknown[]>();
    return running(script, ["0"], async (url) => {
      for (const path of ["/echo", "/other"]) {
        for (const after of ["request", "answer"] as const) {
          for (let i = 0; i < 3; i++) await vanish(Number(new URL(url).port), path, { after });
        }
      }
      const client = await open(url);
      client.socket.send("still there");
      assertEquals(await client.next(), "still there");
      once(client.socket, "close").then(closed.resolve, closed.reject);
    }).then(async () => assertEquals((await closed.promise)[0], 1001));
  });
}

test("routes.ts hands the parameters of a path to its handler", () =>
  running("routes.ts", ["0"], async (url) => {
    const room = await open(`${url}rooms/caf%C3%A9`);
    assertEquals(await room.next(), "You are in caf%C3%A9");
    room.socket.send("hi");
    assertEquals(await room.next(), "caf%C3%A9: hi");
    assertEquals(await (await open(`${url}users/ada/inbox`)).next(), "No mail for ada");
    assertEquals(await statusOf(`${url}rooms`), 404);
  }));
