/**
 * The same updates by polling, long polling and WebSocket, from the demo's server: requests, bytes on the wire, how
 * late the updates are seen, and the CPU time of the server.
 *
 * Each client is a browser as far as the wire is concerned: the headers are Chromium's. Bytes are those of TCP's
 * payload, both ways, counted at the clients' sockets.
 *
 * @module
 */

import { connect as connectTcp, type Socket } from "node:net";
import { Readable, Writable } from "node:stream";
import { parseArgs } from "node:util";
import { connectStream } from "../mod.ts";
import { Program } from "../tests/examples/program.ts";
import type { Runtime } from "../tests/support/runtimes.ts";

const { values } = parseArgs({
  options: {
    runtime: { type: "string", default: "node" },
    clients: { type: "string", default: "100" },
    updates: { type: "string", default: "40" },
    /** How far updates are apart, in milliseconds, on average. */
    mean: { type: "string", default: "500" },
    /** How often a client polls, in milliseconds. */
    interval: { type: "string", default: "1000" },
    json: { type: "boolean", default: false },
  },
});
const [clients, wanted, interval] = [values.clients, values.updates, values.interval].map(Number) as [
  number,
  number,
  number,
];

/** What Chromium sends with each request of a page. */
const HEADERS = {
  "User-Agent":
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36",
  "Accept-Encoding": "gzip, deflate, br, zstd",
  "Accept-Language": "en-US,en;q=0.9",
};
const FETCH_HEADERS = {
  ...HEADERS,
  "Accept": "*/*",
  "Referer": "http://127.0.0.1/transports",
  "Sec-Fetch-Dest": "empty",
  "Sec-Fetch-Mode": "cors",
  "Sec-Fetch-Site": "same-origin",
};

interface Update {
  readonly id: number;
  readonly made: number;
}

/** What all clients together saw and cost. */
interface Tally {
  requests: number;
  bytes: number;
  /** How late each update was seen by each client, in milliseconds. */
  readonly delays: number[];
}

interface Client {
  readonly port: number;
  readonly run: string;
  readonly tally: Tally;
}

const now = (): number => performance.timeOrigin + performance.now();

/** Takes note of updates that have come; returns how many. */
function see({ tally }: Client, updates: readonly Update[]): number {
  const seen = now();
  for (const { made } of updates) tally.delays.push(seen - made);
  return updates.length;
}

/** Asks for a path over a connection of its own, as the server wants it, and returns the body. */
async function request(
  client: Pick<Client, "port" | "tally">,
  method: string,
  path: string,
): Promise<string> {
  const socket = connectTcp({ host: "127.0.0.1", port: client.port, noDelay: true });
  const lines = Object.entries({
    Host: `127.0.0.1:${client.port}`,
    ...FETCH_HEADERS,
    Connection: "keep-alive",
  });
  const length = method === "POST" ? "Content-Length: 0\r\n" : "";
  socket.write(
    `${method} ${path} HTTP/1.1\r\n${
      lines.map(([name, value]) => `${name}: ${value}\r\n`).join("")
    }${length}\r\n`,
  );
  let answer = "";
  for await (const part of socket.setEncoding("latin1")) answer += part;
  count(client.tally, socket);
  return answer.slice(answer.indexOf("\r\n\r\n") + 4);
}

function count(tally: Tally, { bytesRead, bytesWritten }: Socket): void {
  tally.requests++;
  tally.bytes += bytesRead + bytesWritten;
}

/** The three ways, each for one client: they settle when it has seen every update. */
const WAYS: Readonly<Record<string, (client: Client) => Promise<void>>> = {
  "polling": async (client) => {
    await sleep(Math.random() * interval); // clients do not poll in step
    for (let first = 0; first < wanted;) {
      const asked = now();
      first += see(
        client,
        JSON.parse(await request(client, "GET", `/transports/updates?run=${client.run}&first=${first}`)),
      );
      await sleep(interval - (now() - asked));
    }
  },
  "long polling": async (client) => {
    for (let first = 0; first < wanted;) {
      const path = `/transports/updates?run=${client.run}&first=${first}&wait`;
      first += see(client, JSON.parse(await request(client, "GET", path)));
    }
  },
  "WebSocket": async (client) => {
    const socket = connectTcp({ host: "127.0.0.1", port: client.port, noDelay: true });
    const stream = {
      readable: Readable.toWeb(socket) as ReadableStream<Uint8Array>,
      writable: Writable.toWeb(socket) as WritableStream<Uint8Array>,
    };
    const url = `ws://127.0.0.1:${client.port}/transports?run=${client.run}`;
    const connection = await connectStream(stream, url, { headers: HEADERS });
    let seen = 0;
    for await (const message of connection) {
      seen += see(client, JSON.parse(String(message)));
      if (seen === wanted) break;
    }
    connection.close();
    await connection.closed;
    count(client.tally, socket);
  },
};

/** Has all clients find out about one run in one way. */
async function measure(port: number, way: string): Promise<Row> {
  const tally: Tally = { requests: 0, bytes: 0, delays: [] };
  const aside = { port, tally: { requests: 0, bytes: 0, delays: [] } };
  const cpuTime = async () => JSON.parse(await request(aside, "GET", "/transports/server")).cpu as number;
  const before = await cpuTime();
  const path = `/transports/run?count=${wanted}&mean=${values.mean}`;
  const { id: run } = JSON.parse(await request(aside, "POST", path));
  await Promise.all(Array.from({ length: clients }, () => WAYS[way]!({ port, run, tally })));
  const cpu = await cpuTime() - before;
  const delays = tally.delays.sort((a, b) => a - b);
  const at = (share: number) => delays[Math.floor(share * (delays.length - 1))]!;
  const { requests, bytes } = tally;
  return { way, requests, bytes, p50: at(0.5), p99: at(0.99), cpu, seen: delays.length };
}

interface Row {
  readonly way: string;
  readonly requests: number;
  readonly bytes: number;
  readonly p50: number;
  readonly p99: number;
  /** Milliseconds of the server's CPU time. */
  readonly cpu: number;
  /** How many updates were seen, by all clients together. */
  readonly seen: number;
}

function sleep(time: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, time));
}

const runtime = values.runtime as Runtime;
const program = new Program(runtime, `demo/${runtime}.ts`, ["--port", "0"]);
const rows: Row[] = [];
try {
  const url = new URL(await program.written(/Sluice demo on (http:\S+)\n/));
  for (const way of Object.keys(WAYS)) rows.push(await measure(Number(url.port), way));
} finally {
  await program.stop();
}

if (values.json) console.log(JSON.stringify(rows));
else {
  console.log(`${clients} clients, ${wanted} updates, ${values.mean} ms apart, on ${runtime}`);
  console.table(rows.map(({ way, requests, bytes, p50, p99, cpu, seen }) => ({
    "way": way,
    "requests": requests,
    "bytes": bytes,
    "bytes an update seen": Math.round(bytes / seen),
    "delay p50, ms": p50.toFixed(1),
    "p99, ms": p99.toFixed(1),
    "CPU of the server, ms": Math.round(cpu),
  })));
}
