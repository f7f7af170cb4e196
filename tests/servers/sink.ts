/**
 * What a runtime's sockets cost without Sluice: a TCP server that throws away what it reads, or pours out bytes as fast
 * as they are taken. The first byte of a connection says which: `r`, or `w` and how many MiB, in two bytes.
 *
 * It uses the same sockets as the adapter of the runtime.
 *
 * @module
 */

import { runtime } from "../support/sluice.ts";

const chunk = new Uint8Array(65_536);

/** How many chunks are asked for; 0 if we are to read. */
function chunksAsked(bytes: Uint8Array): number {
  return bytes[0] === 0x77 ? (bytes[1]! << 8 | bytes[2]!) * 16 : 0;
}

interface DenoConn extends AsyncDisposable {
  read(buffer: Uint8Array): Promise<number | null>;
  write(bytes: Uint8Array): Promise<number>;
  closeWrite(): Promise<void>;
}
interface DenoListener extends AsyncIterable<DenoConn> {
  readonly addr: { readonly port: number };
}
interface BunSocket {
  data: { left: number; rest: Uint8Array } | undefined;
  write(bytes: Uint8Array): number;
  shutdown(): void;
}
interface Globals {
  Deno: { listen(where: object): DenoListener };
  Bun: { listen(options: object): { readonly port: number } };
}
const { Deno, Bun } = globalThis as unknown as Globals;

const listen: Record<typeof runtime, () => Promise<number>> = {
  async node() {
    const { createServer } = await import("node:net");
    const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
      let left = -1;
      const pour = () => {
        while (left > 0) {
          left--;
          if (!socket.write(chunk.slice())) return;
        }
        socket.end();
      };
      socket.on("data", (bytes: Uint8Array) => {
        if (left !== -1) return;
        left = chunksAsked(bytes);
        if (left > 0) pour();
      }).on("drain", pour).on("end", () => socket.end()).on("error", () => {});
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return (server.address() as { port: number }).port;
  },
  async deno() {
    const serveConn = async (conn: DenoConn) => {
      // What the adapter reads into, too: little at first, and twice as much behind each read that filled it.
      let buffer = new Uint8Array(1_024);
      const size = await conn.read(buffer);
      const left = chunksAsked(buffer.subarray(0, size ?? 0));
      for (let i = 0; i < left; i++) {
        const bytes = chunk.slice();
        for (let at = 0; at < bytes.length;) at += await conn.write(bytes.subarray(at));
      }
      if (left > 0) await conn.closeWrite();
      for (let read = size; read !== null; read = await conn.read(buffer)) {
        if (read === buffer.length && read < 65_536) buffer = new Uint8Array(read * 2);
      }
      if (left === 0) await conn.closeWrite();
    };
    const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    (async () => {
      for await (const conn of listener) serveConn(conn).catch(() => {});
    })();
    return await Promise.resolve(listener.addr.port);
  },
  async bun() {
    const pour = (socket: BunSocket) => {
      const { data } = socket;
      if (data === undefined || data.left < 0) return;
      for (;;) {
        if (data.rest.length === 0) {
          if (data.left-- === 0) return socket.shutdown();
          data.rest = chunk.slice();
        }
        data.rest = data.rest.subarray(Math.max(0, socket.write(data.rest)));
        if (data.rest.length > 0) return;
      }
    };
    const socket = {
      data(socket: BunSocket, bytes: Uint8Array) {
        if (socket.data !== undefined) return;
        const left = chunksAsked(bytes);
        socket.data = { left: left || -1, rest: new Uint8Array(0) };
        pour(socket);
      },
      drain: pour,
      end: (socket: BunSocket) => socket.shutdown(),
    };
    return await Promise.resolve(
      Bun.listen({ hostname: "127.0.0.1", port: 0, allowHalfOpen: true, socket }).port,
    );
  },
};

console.log(`listening on tcp://127.0.0.1:${await listen[runtime]()}`);
