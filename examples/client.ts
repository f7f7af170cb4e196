// Talks to a server, line by line: node examples/client.ts ws://localhost:8080/

import { Buffer } from "node:buffer";
import process from "node:process";
import { createInterface } from "node:readline";
import { connect } from "../lib/adapters/node.ts"; // from the package: "@sluice/websocket/node", or /deno, or /bun

const socket = await connect(process.argv[2] ?? "ws://localhost:8080/", {
  signal: AbortSignal.timeout(5_000),
});
console.error("Connected. What you type is sent; Ctrl-D closes.");

const lines = createInterface({ input: process.stdin });
lines.on("line", (line) => socket.send(line).catch(() => lines.close()));
lines.on("close", () => socket.close());

for await (const message of socket) {
  console.log(typeof message === "string" ? message : Buffer.from(message).toString("hex"));
}
const { closeCode, reason } = await socket.closed;
console.error(`Closed with ${closeCode} ${reason}`);
process.stdin.destroy();
