// WebSocket beside what an http.Server of Node does already: node examples/existing_server.ts [port]

import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import process from "node:process";
// From the package: "@sluice/websocket/node".
import { attach } from "../lib/adapters/node.ts";

const server = createServer((_request, response) => response.end("Hello over HTTP\n"));

const attached = attach(server, { path: "/echo" }, async (socket) => {
  for await (const message of socket) await socket.send(message);
});

server.listen(Number(process.argv[2] ?? 8080), () => {
  console.log(`Echoing on ws://localhost:${(server.address() as AddressInfo).port}/echo`);
});

process.once("SIGINT", () => {
  server.close(); // takes no more connections
  attached.close(); // 1001 to everyone, waits for the handlers
});
