// WebSocket beside an Express 5 app: node examples/express.ts [port]

import express from "express";
import type { AddressInfo } from "node:net";
import process from "node:process";
// From the package: "@sluice/websocket/node".
import { attach } from "../lib/adapters/node.ts";

const app = express();
app.get("/", (_request, response) => {
  response.send("Hello from Express\n");
});

const server = app.listen(Number(process.argv[2] ?? 8080), () => {
  console.log(`Echoing on ws://localhost:${(server.address() as AddressInfo).port}/echo`);
});

const attached = attach(server, { path: "/echo" }, async (socket) => {
  for await (const message of socket) await socket.send(message);
});

process.once("SIGINT", () => {
  server.close(); // takes no more connections
  attached.close(); // 1001 to everyone, waits for the handlers
});
