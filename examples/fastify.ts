// WebSocket beside a Fastify app: node examples/fastify.ts [port]

import { fastify } from "fastify";
import process from "node:process";
// From the package: "@sluice/websocket/node".
import { attach } from "../lib/adapters/node.ts";

const app = fastify();
app.get("/", () => "Hello from Fastify\n");

const attached = attach(app.server, { path: "/echo" }, async (socket) => {
  for await (const message of socket) await socket.send(message);
});
app.addHook("preClose", () => attached.close()); // 1001 to everyone, waits for the handlers

const address = await app.listen({ port: Number(process.argv[2] ?? 8080) });
console.log(`Echoing on ${address.replace("http", "ws")}/echo`);
process.once("SIGINT", () => app.close());
