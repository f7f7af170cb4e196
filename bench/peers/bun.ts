/** Bun's own WebSocket, as an echo server. */
interface BunServer {
  readonly port: number;
  upgrade(request: Request): boolean;
}

declare const Bun: {
  serve(options: {
    port: number;
    hostname: string;
    fetch(request: Request, server: BunServer): Response | undefined;
    websocket: {
      message(socket: { send(data: string | Uint8Array): void }, data: string | Uint8Array): void;
    };
  }): BunServer;
};

const server = Bun.serve({
  port: 0,
  hostname: "127.0.0.1",
  fetch: (request, server) =>
    server.upgrade(request) ? undefined : new Response("No upgrade", { status: 426 }),
  websocket: { message: (socket, data) => socket.send(data) },
});
console.log(`listening on ws://127.0.0.1:${server.port}`);
