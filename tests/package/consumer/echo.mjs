// A small server and its client, as a user would write them: node echo.mjs node, deno run -A echo.mjs deno, …

import { FrameDecoderStream, toWebSocket, WebSocketError } from "@sluice/websocket";
import { Groups } from "@sluice/websocket/groups";
import process from "node:process";

const runtime = process.argv[2];
const sluice = await import(`@sluice/websocket/${runtime}`);

const server = await sluice.serve(
  { port: 0, hostname: "127.0.0.1" },
  ({ readable, writable }) => readable.pipeTo(writable),
);
const url = `ws://127.0.0.1:${server.address.port}/`;

const client = await sluice.connect(url, { compression: true });
await client.send("text");
await client.send(new Uint8Array(70_000).fill(7));
const echoed = [];
for await (const message of client) {
  echoed.push(typeof message === "string" ? message : message.length);
  if (echoed.length === 2) break;
}
client.close({ closeCode: 4000, reason: "done" });
const closed = await client.closed;

const stream = new sluice.WebSocketStream(url);
const { readable } = await stream.opened;
stream.close();
await stream.closed;

const face = toWebSocket(await sluice.connect(url));
face.onopen = () => face.send("face");
face.onmessage = ({ data }) => face.close(4001, data);
const { code, reason } = await new Promise((resolve) => face.onclose = resolve);

const groups = new Groups();
const lost = await sluice.connect(url);
groups.join("all", lost);
lost.abort();
const error = await lost.closed.catch((error) => error);

await server.close();
const version = runtime === "node" ? process.versions.node : (globalThis.Deno?.version.deno ?? Bun.version);
console.log(JSON.stringify({
  version,
  echoed,
  closed,
  face: [code, reason],
  streams: [readable, new FrameDecoderStream().readable].every((stream) => stream instanceof ReadableStream),
  // The class of one entry point is that of the others.
  error: error instanceof WebSocketError && error instanceof sluice.WebSocketError && error.code,
}));
