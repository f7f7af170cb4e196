import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { assertEquals } from "#std/assert";
import { SocketTransport } from "../../lib/connection/socket_transport.ts";
import type { Transport } from "../../lib/connection/transport.ts";
import { startServer } from "../../lib/server/server.ts";
import { latin1 } from "../vectors/splits.ts";

const REQUEST = "GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
  "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

/** A socket whose peer is gone as soon as anything is written to it. */
class Vanishing extends SocketTransport {
  readonly remoteAddress = undefined;
  readonly secure = false;
  write(): boolean {
    queueMicrotask(() => this.lost());
    return true;
  }
  shutdown(): void {}
  destroy(): void {}
  defer(): void {}
  yield(): void {}
  protected stopReading(): void {}
  protected startReading(): void {}
}

test("a handler that throws at once, for a peer that is gone already, does not keep the server from closing", async () => {
  let accept!: (transport: Transport) => void;
  const listener = { address: { path: "none" }, close() {} };
  const platform = {
    listen: (_: unknown, onSocket: typeof accept) => {
      accept = onSocket;
      return Promise.resolve(listener);
    },
  };
  const errors: unknown[] = [];
  const options = { keepalive: false, onError: (error: unknown) => errors.push(error) } as const;
  const server = await startServer(platform, options, () => {
    throw new Error("Not today");
  });
  const socket = new Vanishing();
  accept(socket);
  socket.received(latin1(REQUEST));
  while (errors.length === 0) await sleep(1);
  assertEquals(socket.open, false);
  const closed = server.close({ timeout: 60_000 }).then(() => "closed");
  assertEquals(await Promise.race([closed, sleep(2_000, "still open", { ref: false })]), "closed");
});
