// An echo server for wss:, with a page on https: : node examples/tls.ts CERT KEY [port]
//
// A certificate to try it with, which browsers will warn of:
//   openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -keyout key.pem -out cert.pem \
//     -subj /CN=localhost -addext subjectAltName=DNS:localhost -addext basicConstraints=critical,CA:FALSE

import { readFileSync } from "node:fs";
import process from "node:process";
import { serve } from "../lib/adapters/node.ts"; // from the package: "@sluice/websocket/node", or /deno, or /bun

const [, , cert = "cert.pem", key = "key.pem", port = "8443"] = process.argv;
const tls = { cert: readFileSync(cert, "utf8"), key: readFileSync(key, "utf8") };
const fetch = () => new Response("Ask me for a WebSocket.\n");

const server = await serve({ port: Number(port), tls, fetch }, async (socket) => {
  for await (const message of socket) await socket.send(message);
});

if ("port" in server.address) console.log(`Echoing on wss://localhost:${server.address.port}/`);
process.once("SIGINT", () => server.close());
