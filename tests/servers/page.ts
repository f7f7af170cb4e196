/**
 * A Sluice server on any of the three runtimes: an empty page for a browser, and a socket that echoes, compressed.
 *
 * Its only argument is the `compression` option, in JSON.
 *
 * @module
 */

import process from "node:process";
import { serve } from "../support/sluice.ts";

const server = await serve(
  {
    hostname: "127.0.0.1",
    compression: JSON.parse(process.argv[2] ?? "true"),
    fetch: () => new Response("<!doctype html>", { headers: { "Content-Type": "text/html" } }),
  },
  async (socket) => {
    for await (const message of socket) await socket.send(message);
  },
);

const { address } = server;
if ("port" in address) console.log(`listening on ws://${address.hostname}:${address.port}`);
