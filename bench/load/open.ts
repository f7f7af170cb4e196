/**
 * Opens connections, keeps them idle, closes them. Runs on Bun.
 *
 * Its argument is an {@linkcode OpenSpec}. It prints `ready`, and then does what each {@linkcode OpenRequest} on stdin
 * says and prints an {@linkcode OpenResult}; it ends with stdin.
 *
 * @module
 */

import process from "node:process";
import { createInterface } from "node:readline";
import { Opcode } from "../../lib/protocol/frame.ts";
import { headerSize, writeFrame } from "../../lib/protocol/frame_encoder.ts";
import { dial, openAll, type Socket } from "./sockets.ts";
import type { OpenRequest, OpenResult, OpenSpec } from "./spec.ts";
import { isUpgraded, upgradeRequest } from "./upgrade.ts";

/** A connection that is opening, open or closing. */
interface Connection {
  head: Uint8Array;
  readonly opened: PromiseWithResolvers<void>;
  readonly closed: PromiseWithResolvers<void>;
}

/** How many are opening at a time. */
const WIDTH = 64;

const spec: OpenSpec = JSON.parse(process.argv[2]!);
const request = upgradeRequest({ deflate: false });
const close = new Uint8Array(headerSize(2, true) + 2);
writeFrame(close, 0, { fin: true, rsv1: false, opcode: Opcode.Close, payload: Uint8Array.of(3, 232) }, 1);

let sockets: Socket<Connection>[] = [];
let closing = false;

async function open(): Promise<void> {
  const connection: Connection = {
    head: new Uint8Array(0),
    opened: Promise.withResolvers(),
    closed: Promise.withResolvers(),
  };
  const socket = await dial<Connection>(spec.port, {
    open(socket) {
      socket.data = connection;
      socket.write(request);
    },
    data: (_, bytes) => {
      if (!closing) greet(connection, bytes);
    },
    error: (_, error) => fail(error),
    close: () => closing ? connection.closed.resolve() : fail(new Error("Cannot go on: the server closed")),
  });
  await connection.opened.promise;
  sockets.push(socket);
}

/** Takes the response; a plain socket's is the request itself. */
function greet(connection: Connection, bytes: Uint8Array): void {
  connection.head = Buffer.concat([connection.head, bytes]);
  if (spec.plain ? connection.head.length === request.length : isUpgraded(connection.head)) {
    connection.head = bytes.subarray(0, 0);
    connection.opened.resolve();
  }
}

/** Closes all with a Close frame, which the server answers before it ends the connection. */
async function closeAll(): Promise<void> {
  closing = true;
  for (const socket of sockets) {
    if (spec.plain) socket.end();
    else socket.write(close);
  }
  await Promise.all(sockets.map(({ data }) => data.closed.promise));
  sockets = [];
  closing = false;
}

function fail(error: unknown): never {
  console.error(error);
  process.exit(1);
}

console.log("ready");
for await (const line of createInterface({ input: process.stdin })) {
  const asked: OpenRequest = JSON.parse(line);
  const start = performance.now();
  if (asked.open > 0) await openAll(asked.open, WIDTH, open);
  else await closeAll();
  const result: OpenResult = { time: performance.now() - start };
  console.log(JSON.stringify(result));
}
process.exit(0);
