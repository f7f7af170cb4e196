/**
 * The echo load: keeps messages in flight on connections, over raw sockets with frames prepared once. Runs on Bun.
 *
 * Its argument is an {@linkcode EchoSpec}. It connects, prints `ready`, and then plays a round for each
 * {@linkcode RoundRequest} on stdin and prints its {@linkcode RoundResult}; it ends with stdin.
 *
 * @module
 */

import process from "node:process";
import { createInterface } from "node:readline";
import { EchoClient, type LoadState } from "./echo_client.ts";
import { makeExchange } from "./frames.ts";
import { RoundTrips } from "./round_trips.ts";
import { dial, openAll } from "./sockets.ts";
import type { EchoSpec, RoundRequest, RoundResult } from "./spec.ts";
import { isUpgraded, upgradeRequest } from "./upgrade.ts";

const spec: EchoSpec = JSON.parse(process.argv[2]!);
const exchange = makeExchange(spec);
const load: LoadState = {
  exchange,
  flight: spec.flight,
  replySize: exchange.replySize,
  running: false,
  received: 0,
  outstanding: 0,
  roundTrips: spec.flight === 1 ? new RoundTrips() : undefined,
};
const clients: EchoClient[] = [];
const request = upgradeRequest({ deflate: spec.content === "deflated" });

/** Opens a connection; resolves when messages can be sent. */
function open(): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  let head: Uint8Array | undefined = new Uint8Array(0);
  const welcome = (client: EchoClient) => {
    head = undefined;
    clients.push(client);
    resolve();
  };
  const dialled = dial<EchoClient>(spec.port, {
    open(socket) {
      socket.data = new EchoClient(socket, load);
      if (spec.plain) welcome(socket.data);
      else socket.write(request);
    },
    data(socket, bytes) {
      if (head === undefined) return socket.data.take(bytes);
      head = Buffer.concat([head, bytes]);
      if (isUpgraded(head)) welcome(socket.data);
    },
    drain: (socket) => socket.data.flush(),
    error: (_, error) => fail(error),
    close: () => fail(new Error("Cannot go on: the server closed")),
  });
  dialled.catch(reject);
  return promise;
}

function fail(error: unknown): never {
  console.error(error);
  process.exit(1);
}

/** Plays a round, to the last reply. */
async function play({ time }: RoundRequest): Promise<RoundResult> {
  load.roundTrips?.clear();
  load.received = 0;
  load.running = true;
  const start = performance.now();
  for (const client of clients) client.start();
  await sleep(time);
  // Long messages, or many connections, may need longer than that to come back once.
  while (load.received < load.replySize * spec.flight * clients.length) await sleep(1);
  load.running = false;
  const rate = load.received / load.replySize / (performance.now() - start) * 1_000;
  while (load.outstanding > 0) await sleep(1);
  return { rate, messages: load.received / load.replySize, ...load.roundTrips?.percentiles() };
}

function sleep(time: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, time));
}

await openAll(spec.connections, 64, open);
console.log("ready");
for await (const line of createInterface({ input: process.stdin })) {
  console.log(JSON.stringify(await play(JSON.parse(line))));
}
process.exit(0);
