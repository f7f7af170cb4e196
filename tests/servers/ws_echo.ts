/**
 * A server made with npm's `ws`, on Node: echoes, and closes or pings first as `initiator.ts` does.
 *
 * @module
 */

import type { AddressInfo } from "node:net";
import { WebSocketServer } from "ws";

const server = new WebSocketServer({ host: "127.0.0.1", port: 0 });

server.on("connection", (socket, request) => {
  const { pathname, searchParams: asked } = new URL(request.url ?? "/", "ws://localhost");
  if (pathname === "/close") {
    socket.close(Number(asked.get("code")), asked.get("reason") ?? "");
  } else if (pathname === "/ping") {
    const data = asked.get("data") ?? "";
    socket.on("pong", (answer) => socket.send(answer.toString() === data ? "answered" : "answered wrongly"));
    socket.ping(data);
  } else {
    socket.on("message", (data, binary) => socket.send(data, { binary }));
  }
});

server.on("listening", () => {
  const { address, port } = server.address() as AddressInfo;
  console.log(`listening on ws://${address}:${port}`);
});
