// WebSocket beside a Hono app on Node: node examples/hono.ts [port]

import { serve } from "@hono/node-server";
import { Hono } from "hono";
import process from "node:process";
// From the package: "@sluice/websocket/node".
import { upgrade, type WebSocketConnection } from "../lib/adapters/node.ts";

const app = new Hono();
app.get("/", (context) => context.text("Hello from Hono\n"));

const open = new Set<WebSocketConnection>();
const server = serve({ fetch: app.fetch, port: Number(process.argv[2] ?? 8080) }, ({ port }) => {
  console.log(`Echoing on ws://localhost:${port}/echo`);
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
