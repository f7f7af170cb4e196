/** Plain sockets on Node, echoing bytes: the floor. */
import { type AddressInfo, createServer } from "node:net";

const server = createServer({ noDelay: true }, (socket) => {
  socket.on("data", (bytes) => socket.write(bytes));
  socket.on("error", () => {}); // a load that goes away resets its connections
});
server.listen(
  0,
  "0.0.0.0",
  () => console.log(`listening on tcp://127.0.0.1:${(server.address() as AddressInfo).port}`),
);
