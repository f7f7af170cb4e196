/** npm `ws` on Node, as an echo server. */
import { type AddressInfo, WebSocketServer } from "ws";

const server = new WebSocketServer({ port: 0, host: "127.0.0.1", perMessageDeflate: false });
server.on("connection", (socket) => {
  socket.on("message", (data, binary) => socket.send(data, { binary }));
});
server.on(
  "listening",
  () => console.log(`listening on ws://127.0.0.1:${(server.address() as AddressInfo).port}`),
);
