/**
 * A member on a raw socket that notes how long each message took.
 *
 * @module
 */

import { connect, type Socket } from "node:net";
import { UPGRADE } from "../support/wire.ts";

/** A message: 64 bytes, of which the first eight are when it was sent. */
const FRAME_SIZE = 2 + 64;

/** Notes the time of each message. */
export class Listener {
  readonly socket: Socket;
  /** How long each message took, in milliseconds. */
  readonly times: number[] = [];
  /** Whether the connection has ended. */
  ended = false;
  #rest: Uint8Array<ArrayBuffer> = new Uint8Array(0);

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.on("end", () => this.ended = true);
  }

  /** Connects and shakes hands. */
  static open(port: number, path: string): Promise<Listener> {
    return new Promise((resolve, reject) => {
      const socket = connect({ port, host: "127.0.0.1", noDelay: true });
      const listener = new Listener(socket);
      socket.once("error", reject);
      socket.once("data", (head: Uint8Array) => {
        if (!new TextDecoder().decode(head).endsWith("\r\n\r\n")) {
          return reject(new Error("The head came in parts"));
        }
        socket.on("data", (bytes: Uint8Array) => listener.#take(bytes));
        resolve(listener);
      });
      socket.write(UPGRADE.replace("GET / ", `GET ${path} `));
    });
  }

  #take(bytes: Uint8Array): void {
    const all = new Uint8Array(this.#rest.length + bytes.length);
    all.set(this.#rest);
    all.set(bytes, this.#rest.length);
    const view = new DataView(all.buffer);
    let at = 0;
    for (; at + FRAME_SIZE <= all.length; at += FRAME_SIZE) {
      this.times.push(performance.now() - view.getFloat64(at + 2));
    }
    this.#rest = all.slice(at);
  }
}
