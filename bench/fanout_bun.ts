/** Bun's own WebSocket: each message published to a topic that every socket is subscribed to. */
interface BunServer {
  readonly port: number;
  upgrade(request: Request): boolean;
  publish(topic: string, data: string | Uint8Array): number;
}

declare const Bun: {
  serve(options: {
    port: number;
    hostname: string;
    fetch(request: Request, server: BunServer): Response | undefined;
    websocket: {
      open(socket: { subscribe(topic: string): void }): void;
      message(socket: unknown, data: string | Uint8Array): void;
    };
  }): BunServer;
};

const server = Bun.serve({
  port: 0,
  hostname: "127.0.0.1",
  fetch: (request, server) =>
    server.upgrade(request) ? undefined : new Response("No upgrade", { status: 426 }),
  websocket: {
    open: (socket) => socket.subscribe("fan"),
    message: (_, data) => void server.publish("fan", data),
  },
});
console.log(`listening on ws://127.0.0.1:${server.port}`);
