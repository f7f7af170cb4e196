// WebSocket beside what an http.Server of Node does already: node examples/existing_server.ts [port]

import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import process from "node:process";
// From the package: "@sluice/websocket/node".
import { upgrade, type WebSocketConnection } from "../lib/adapters/node.ts";

const open = new Set<WebSocketConnection>();
const server = createServer((_request, response) => response.end("Hello over HTTP\n"));

server.on("upgrade", async (request, socket, head) => {
  if (request.url !== "/echo") return socket.end("HTTP/1.1 404 Not Found\r\nConnection: close\r\n\r\n");
  const connection = await upgrade(request, socket, head).catch(() => undefined);
  if (connection === undefined) return; // it was no right upgrade, and has been told so
  open.add(connection);
  await connection.readable.pipeTo(connection.writable).catch(() => {}); // the peer has vanished
  open.delete(connection);
});

server.listen(Number(process.argv[2] ?? 8080), () => {
  console.log(`Echoing on ws://localhost:${(server.address() as AddressInfo).port}/echo`);
});

process.once("SIGINT", () => {
  server.close();
  for (const connection of open) connection.close({ closeCode: 1001 });
});
