/**
 * A connection over a transport that records what it is told; the end of a turn, and of a write, come when the test says so.
 *
 * @module
 */

import { Connection } from "../../lib/connection/connection.ts";
import { type Limits, readLimits } from "../../lib/connection/limits.ts";
import type { Transport, TransportSink } from "../../lib/connection/transport.ts";
import { concat } from "../vectors/hex.ts";
import { latin1 } from "../vectors/splits.ts";

/** The transport. */
export class RecordingTransport implements Transport {
  sink!: TransportSink;
  open = true;
  readonly remoteAddress = undefined;
  readonly secure = false;
  readonly told: string[] = [];
  /** Whether writes wait for `drain`. */
  busy = false;
  turnIsOver?: () => boolean;
  lookForProgress?: () => void;
  #written: Uint8Array[] = [];

  resume(): void {
    this.told.push("resume");
  }
  pause(): void {
    this.told.push("pause");
  }
  defer(): void {
    if (this.told.at(-1) !== "defer") this.told.push("defer");
  }
  yield(): void {
    this.told.push("yield");
  }
  write(bytes: Uint8Array): boolean {
    this.#written.push(bytes.slice());
    return !this.busy;
  }
  shutdown(): void {
    this.told.push("shutdown");
  }
  destroy(): void {
    this.told.push("destroy");
  }

  /** Takes what was written. */
  take(): Uint8Array {
    return concat(this.#written.splice(0));
  }
}

/** Makes the server's end of a connection, its 101 written. */
export function serverOver(transport: RecordingTransport, limits: Limits): Connection {
  const connection = new Connection(transport, {
    role: "server",
    protocol: "",
    extensions: "",
    deflate: undefined,
    limits: readLimits({ keepalive: false, ...limits }),
    greeting: latin1("HTTP/1.1 101 Switching Protocols\r\n\r\n"),
    rest: new Uint8Array(0),
  });
  transport.take();
  return connection;
}
