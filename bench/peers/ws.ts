/** npm `ws` on Node, as an echo server. */
import process from "node:process";
import type { AddressInfo } from "node:net";
import { WebSocketServer } from "ws";

const perMessageDeflate = process.argv.includes("--compression") && {
  serverNoContextTakeover: true,
  clientNoContextTakeover: true,
  serverMaxWindowBits: 12,
  clientMaxWindowBits: 12,
  zlibDeflateOptions: { level: 1, memLevel: 5 },
  threshold: 0,
};
const server = new WebSocketServer({ port: 0, host: "0.0.0.0", perMessageDeflate });
server.on("connection", (socket) => {
  socket.on("message", (data, binary) => socket.send(data, { binary }));
});
server.on(
  "listening",
  () => console.log(`listening on ws://127.0.0.1:${(server.address() as AddressInfo).port}`),
);
