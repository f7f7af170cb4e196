/**
 * A way to a TCP server that can be cut, while the server lives on.
 *
 * @module
 */

import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";

/** Passes connections on to a port of this machine. */
export class TcpGate {
  readonly #to: number;
  readonly #sockets = new Set<Socket>();
  #server: Server | undefined;
  #port = 0;

  private constructor(to: number) {
    this.#to = to;
  }

  /** Opens a gate to a port. */
  static async open(to: number): Promise<TcpGate> {
    const gate = new TcpGate(to);
    await gate.mend();
    return gate;
  }

  /** Where to connect to. */
  get port(): number {
    return this.#port;
  }

  /** Cuts all connections, and takes no more. */
  async cut(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    const closed = server && once(server, "close");
    server?.close();
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  /** Takes connections again, on the same port. */
  async mend(): Promise<void> {
    const server = createServer((socket) => {
      const onward = connect(this.#to, "127.0.0.1");
      for (const [from, to] of [[socket, onward], [onward, socket]] as const) {
        this.#sockets.add(from);
        from.on("error", () => {}).on("close", () => {
          this.#sockets.delete(from);
          to.destroy();
        });
        from.pipe(to);
      }
    });
    server.listen(this.#port, "127.0.0.1");
    await once(server, "listening");
    this.#port = (server.address() as { port: number }).port;
    this.#server = server;
  }
}
