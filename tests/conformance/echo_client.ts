/**
 * Connects once for each case, on any of the three runtimes, and sends back what comes, up to the end:
 * `echo_client.ts PORT COUNT LANES MAX_MESSAGE_SIZE [COMPRESSION]`, the last for each case, in JSON.
 *
 * @module
 */

import process from "node:process";
import { type CompressionOptions, HandshakeError, WebSocketError } from "../../mod.ts";
import { connect } from "../support/sluice.ts";

const [port, count, lanes, maxMessageSize] = process.argv.slice(2, 6).map(Number) as [
  number,
  number,
  number,
  number,
];
const compressions = JSON.parse(process.argv[6] ?? "[]") as CompressionOptions[];
// Nothing may be left to the timeout: a case takes less.
const options = { maxMessageSize, closeTimeout: 600_000, keepalive: false } as const;

let next = 0;
await Promise.all(Array.from({ length: lanes }, async () => {
  while (next < count) await echoAll(next++);
}));

async function echoAll(index: number): Promise<void> {
  try {
    const compression = compressions[index] ?? false;
    const socket = await connect(`ws://127.0.0.1:${port}/case?${index}`, { ...options, compression });
    for await (const message of socket) await socket.send(message);
    await socket.closed;
  } catch (error) {
    // The other end has seen what went wrong with the connection; anything else is a fault of ours.
    if (!(error instanceof WebSocketError || error instanceof HandshakeError)) throw error;
  }
}
