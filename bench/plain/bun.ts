/** Plain sockets on Bun, echoing bytes: the floor. */
interface Socket {
  /** What the kernel did not take, until it does. */
  data: Uint8Array | undefined;
  write(bytes: Uint8Array): number;
}

declare const Bun: {
  listen(options: {
    port: number;
    hostname: string;
    socket: {
      data(socket: Socket, bytes: Uint8Array): void;
      drain(socket: Socket): void;
      error(socket: Socket, error: unknown): void;
    };
  }): { port: number };
};

function send(socket: Socket, bytes: Uint8Array): void {
  const taken = Math.max(0, socket.write(bytes));
  // The buffer is Bun's, and is filled anew after this turn.
  socket.data = taken < bytes.length ? bytes.slice(taken) : undefined;
}

const listener = Bun.listen({
  port: 0,
  hostname: "0.0.0.0",
  socket: {
    data: (socket, bytes) =>
      send(socket, socket.data === undefined ? bytes : Buffer.concat([socket.data, bytes])),
    drain: (socket) => socket.data !== undefined && send(socket, socket.data),
    error: () => {}, // a load that goes away resets its connections
  },
});
console.log(`listening on tcp://127.0.0.1:${listener.port}`);
