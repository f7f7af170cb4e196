/**
 * A server that closes when a file appears, and says so: the process has to end then.
 *
 * @module
 */

import { existsSync } from "node:fs";
import process from "node:process";
import { makeCertificate } from "../support/certificate.ts";
import { serve } from "../support/sluice.ts";

const NEVER = 600_000;

const server = await serve({
  hostname: "127.0.0.1",
  hosts: "any",
  // Nothing that happens here is due to one of these.
  closeTimeout: NEVER,
  handshakeTimeout: NEVER,
  ...process.argv[3] === "tls" && { tls: makeCertificate() },
  fetch: () => new Response("page"),
}, async (socket, { url }) => {
  if (url.pathname !== "/over") { for await (const message of socket) await socket.send(message); }
});
const { port } = server.address as { port: number };
console.log(`listening on ${port} `);
const [, , signal] = process.argv;
// Listening to stdin or for a signal keeps some processes alive by itself.
const timer = setInterval(async () => {
  if (!existsSync(signal!)) return;
  clearInterval(timer);
  await server.close({ timeout: 100 });
  console.log("closed");
}, 50);
