// What one sends, all get: node examples/broadcast.ts [port]

import process from "node:process";
import { serve } from "../lib/adapters/node.ts"; // from the package: "@sluice/websocket/node", or /deno, or /bun
import { Groups } from "../lib/groups/mod.ts"; // from the package: "@sluice/websocket/groups"

const port = Number(process.argv[2] ?? 8080);
const groups = new Groups({ slowConsumer: "close" }); // who reads too slowly has to come again

const server = await serve({ port }, async (socket) => {
  groups.join("all", socket); // it leaves by itself when it closes
  for await (const message of socket) await groups.publish("all", message);
});

if ("port" in server.address) console.log(`Broadcasting on ws://localhost:${server.address.port}/`);
process.once("SIGINT", () => server.close());
