/**
 * A server made with Deno's own WebSocket: echoes, and closes first as `initiator.ts` does. It has no way to ping.
 *
 * @module
 */

import { certificateFromFlags } from "../support/certificate.ts";

/** The part of Deno that is used here. */
declare const Deno: {
  serve(
    options: {
      hostname: string;
      port: number;
      cert?: string;
      key?: string;
      onListen(address: { hostname: string; port: number }): void;
    },
    handler: (request: Request) => Response,
  ): unknown;
  upgradeWebSocket(request: Request): { response: Response; socket: WebSocket };
};

const tls = certificateFromFlags();

Deno.serve({
  hostname: "127.0.0.1",
  port: 0,
  ...tls,
  onListen({ hostname, port }) {
    console.log(`listening on ${tls === undefined ? "ws" : "wss"}://${hostname}:${port}`);
  },
}, (request) => {
  const { pathname, searchParams: asked } = new URL(request.url);
  const { response, socket } = Deno.upgradeWebSocket(request);
  socket.binaryType = "arraybuffer";
  if (pathname === "/close") {
    socket.onopen = () => socket.close(Number(asked.get("code")), asked.get("reason") ?? "");
  } else {
    socket.onmessage = ({ data }) => socket.send(data);
  }
  return response;
});
