/**
 * A Sluice server that takes the first step, on any of the three runtimes.
 *
 * `/close?code=4001&reason=enough` closes at once; `/ping?data=hello` pings, and sends `answered` when the Pong is there.
 * `--compression` turns compression on.
 *
 * @module
 */

import process from "node:process";
import { certificateFromFlags } from "../support/certificate.ts";
import { serve } from "../support/sluice.ts";

const tls = certificateFromFlags();
const server = await serve(
  {
    hostname: "127.0.0.1",
    compression: process.argv.includes("--compression"),
    ...tls !== undefined && { tls },
  },
  async (socket, { url }) => {
    const asked = url.searchParams;
    if (url.pathname === "/close") {
      socket.close({ closeCode: Number(asked.get("code")), reason: asked.get("reason") ?? "" });
    } else {
      await socket.ping({ data: new TextEncoder().encode(asked.get("data") ?? "") });
      await socket.send("answered");
    }
    await socket.closed;
  },
);

const { address } = server;
if ("port" in address) {
  const scheme = tls === undefined ? "ws" : "wss";
  console.log(`listening on ${scheme}://${address.hostname}:${address.port}`);
}
