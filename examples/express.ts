// WebSocket beside an Express 5 app: node examples/express.ts [port]

import express from "express";
import type { AddressInfo } from "node:net";
import process from "node:process";
// From the package: "@sluice/websocket/node".
import { upgrade, type WebSocketConnection } from "../lib/adapters/node.ts";

const app = express();
app.get("/", (_request, response) => {
  response.send("Hello from Express\n");
});

const open = new Set<WebSocketConnection>();
const server = app.listen(Number(process.argv[2] ?? 8080), () => {
  console.log(`Echoing on ws://localhost:${(server.address() as AddressInfo).port}/echo`);
});

server.on("upgrade", async (request, socket, head) => {
  if (request.url !== "/echo") return socket.end("HTTP/1.1 404 Not Found\r\nConnection: close\r\n\r\n");
  const connection = await upgrade(request, socket, head).catch(() => undefined);
  if (connection === undefined) return; // it was no right upgrade, and has been told so
  open.add(connection);
  await connection.readable.pipeTo(connection.writable).catch(() => {}); // the peer has vanished
  open.delete(connection);
});

process.once("SIGINT", () => {
  server.close();
  for (const connection of open) connection.close({ closeCode: 1001 });
});
