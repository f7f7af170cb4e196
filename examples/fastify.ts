// WebSocket beside a Fastify app: node examples/fastify.ts [port]

import { fastify } from "fastify";
import process from "node:process";
// From the package: "@sluice/websocket/node".
import { upgrade, type WebSocketConnection } from "../lib/adapters/node.ts";

const app = fastify();
app.get("/", () => "Hello from Fastify\n");

const open = new Set<WebSocketConnection>();
app.addHook("preClose", (done) => {
  for (const connection of open) connection.close({ closeCode: 1001 });
  done();
});

app.server.on("upgrade", async (request, socket, head) => {
  if (request.url !== "/echo") return socket.end("HTTP/1.1 404 Not Found\r\nConnection: close\r\n\r\n");
  const connection = await upgrade(request, socket, head).catch(() => undefined);
  if (connection === undefined) return; // it was no right upgrade, and has been told so
  open.add(connection);
  await connection.readable.pipeTo(connection.writable).catch(() => {}); // the peer has vanished
  open.delete(connection);
});

const address = await app.listen({ port: Number(process.argv[2] ?? 8080) });
console.log(`Echoing on ${address.replace("http", "ws")}/echo`);
process.once("SIGINT", () => app.close());
