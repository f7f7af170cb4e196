// WebSocket beside a Hono app on Node: node examples/hono.ts [port]

import { serve } from "@hono/node-server";
import { Hono } from "hono";
import process from "node:process";
// From the package: "@sluice/websocket/node".
import { attach } from "../lib/adapters/node.ts";

const app = new Hono();
app.get("/", (context) => context.text("Hello from Hono\n"));

const server = serve({ fetch: app.fetch, port: Number(process.argv[2] ?? 8080) }, ({ port }) => {
  console.log(`Echoing on ws://localhost:${port}/echo`);
});

const attached = attach(server, { path: "/echo" }, async (socket) => {
  for await (const message of socket) await socket.send(message);
});

process.once("SIGINT", () => {
  server.close(); // takes no more connections
  attached.close(); // 1001 to everyone, waits for the handlers
});
