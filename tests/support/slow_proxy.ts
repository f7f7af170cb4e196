/**
 * A way to a server that takes a while.
 *
 * @module
 */

import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";

/** Passes bytes on to a port and back, each way some time after they came. */
export class SlowProxy {
  readonly port: number;
  readonly #server: Server;
  readonly #sockets: Set<Socket>;

  private constructor(server: Server, sockets: Set<Socket>) {
    this.#server = server;
    this.#sockets = sockets;
    this.port = (server.address() as { port: number }).port;
  }

  /** Starts one on a free port; `delay` in milliseconds. */
  static async start(port: number, delay: number): Promise<SlowProxy> {
    const sockets = new Set<Socket>();
    const server = createServer((near) => {
      const far = connect(port, "127.0.0.1");
      for (const [from, to] of [[near, far], [far, near]] as const) {
        sockets.add(from);
        from.setNoDelay(true);
        from.on("data", (bytes) => setTimeout(() => to.write(bytes), delay));
        from.on("error", () => {});
        from.on("close", () => {
          sockets.delete(from);
          setTimeout(() => to.destroy(), delay);
        });
      }
    }).listen(0, "127.0.0.1");
    await once(server, "listening");
    return new SlowProxy(server, sockets);
  }

  /** Cuts all connections, and takes no more. */
  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, "close");
  }
}
