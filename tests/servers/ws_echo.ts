/**
 * A server made with npm's `ws`, on Node: echoes, and closes or pings first as `initiator.ts` does.
 *
 * `--compression JSON` sets `perMessageDeflate`; path `/fragments` echoes in three frames.
 *
 * @module
 */

import { createServer } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo } from "node:net";
import process from "node:process";
import { WebSocketServer } from "ws";
import { certificateFromFlags } from "../support/certificate.ts";

const tls = certificateFromFlags();
const listener = tls === undefined ? createServer() : createTlsServer({ ...tls });
const flag = process.argv.indexOf("--compression");
const perMessageDeflate = flag < 0 ? false : JSON.parse(process.argv[flag + 1]!);
const server = new WebSocketServer({ server: listener, perMessageDeflate });

server.on("connection", (socket, request) => {
  const { pathname, searchParams: asked } = new URL(request.url ?? "/", "ws://localhost");
  if (pathname === "/close") {
    socket.close(Number(asked.get("code")), asked.get("reason") ?? "");
  } else if (pathname === "/ping") {
    const data = asked.get("data") ?? "";
    socket.on("pong", (answer) => socket.send(answer.toString() === data ? "answered" : "answered wrongly"));
    socket.ping(data);
  } else if (pathname === "/fragments") {
    socket.on("message", (data: Buffer, binary) => {
      const third = Math.ceil(data.length / 3);
      for (const i of [0, 1, 2]) {
        socket.send(data.subarray(i * third, (i + 1) * third), { binary, fin: i === 2 });
      }
    });
  } else {
    socket.on("message", (data, binary) => socket.send(data, { binary }));
  }
});

listener.listen(0, "127.0.0.1", () => {
  const { address, port } = listener.address() as AddressInfo;
  console.log(`listening on ${tls === undefined ? "ws" : "wss"}://${address}:${port}`);
});
