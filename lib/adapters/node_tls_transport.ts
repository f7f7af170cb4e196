/**
 * A socket of `node:tls` where that reads ahead of its user.
 *
 * @module
 */

import type { Socket } from "node:net";
import { NodeTransport } from "./node_transport.ts";

/** The handle of a socket: undocumented, and the only thing that stops the reading. */
interface Handle {
  readStop?(): void;
  readStart?(): void;
}

/**
 * Stops the socket below TLS as well as TLS itself.
 *
 * Deno's `node:tls` decrypts what its own buffers take while it is paused, and goes on reading without bound from the
 * socket below: 500 MiB in two seconds from a peer that does not stop.
 */
export class HeldTlsTransport extends NodeTransport {
  readonly #below: { readonly _handle?: Handle | null };

  /**
   * Takes over a socket.
   *
   * @param socket Speaks TLS.
   * @param below The socket that it speaks through.
   */
  constructor(socket: Socket, below: Socket) {
    super(socket, { fresh: false });
    this.#below = below as { _handle?: Handle | null };
  }

  protected override stopReading(): void {
    super.stopReading();
    this.#below._handle?.readStop?.();
  }

  protected override startReading(): void {
    this.#below._handle?.readStart?.();
    super.startReading();
  }
}
