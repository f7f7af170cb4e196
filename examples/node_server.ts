// An echo server on Node: node examples/node_server.ts [port]
//
// To talk to it, in a JavaScript console of Node, Deno or Bun:
//   socket = new WebSocket("ws://localhost:8080");
//   socket.onmessage = (event) => console.log(event.data);
//   socket.send("Hello!");

import process from "node:process";
import { serve } from "../lib/adapters/node.ts"; // from the package: "@sluice/websocket/node"

const port = Number(process.argv[2] ?? process.env.PORT ?? 8080);

// Runs once for each connection, which stays open until the function is done.
const server = await serve({ port }, async (socket) => {
  for await (const message of socket) await socket.send(message);
});

if ("port" in server.address) console.log(`Echoing on ws://localhost:${server.address.port}/`);

// Ctrl-C: tells every client that the server is going away, and waits until they know.
process.once("SIGINT", () => server.close());
