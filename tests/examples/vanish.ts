/**
 * A client that vanishes without a word.
 *
 * @module
 */

import { once } from "node:events";
import { connect } from "node:net";
import { UPGRADE } from "../support/wire.ts";

/** Sends an upgrade over a socket of its own, and resets it at once or once an answer has come. */
export async function vanish(
  port: number,
  path: string,
  { after }: { after: "request" | "answer" },
): Promise<void> {
  const socket = connect(port, "127.0.0.1");
  socket.on("error", () => {});
  socket.write(UPGRADE.replace("GET / ", `GET ${path} `));
  await once(socket, after === "answer" ? "data" : "connect");
  socket.resetAndDestroy();
  await once(socket, "close");
}
