/** npm `ws` on Node: each message to every client, in a loop, as its documentation has it. */
import type { AddressInfo } from "node:net";
import { WebSocket, WebSocketServer } from "ws";

const server = new WebSocketServer({ port: 0, host: "127.0.0.1" });
server.on("connection", (socket) => {
  socket.on("message", (data, binary) => {
    for (const client of server.clients) {
      if (client.readyState === WebSocket.OPEN) client.send(data, { binary });
    }
  });
});
server.on(
  "listening",
  () => console.log(`listening on ws://127.0.0.1:${(server.address() as AddressInfo).port}`),
);
