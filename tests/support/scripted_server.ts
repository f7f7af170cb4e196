/**
 * A server that answers as a script says, for the tests of clients: in the same process, on any runtime.
 *
 * @module
 */

import { createHash } from "node:crypto";
import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { latin1 } from "../vectors/splits.ts";
import { currentCertificate, securedServer } from "./links.ts";
import { settlesInTime } from "./serving.ts";
import { Wire } from "./wire.ts";

/** What a server does with a socket; over when it has nothing more to say. */
export type Script = (wire: Wire) => Promise<void>;

/** How long a socket may stay when the test is over, in milliseconds: much less than any timeout of a connection. */
const GRACE = 1_000;

/**
 * Runs a test against a server; fails if a socket of the server is not gone soon after.
 *
 * @param script What to do with each socket.
 * @param test What to do with the server; `count` tells how many sockets it has had.
 */
export async function scripted(
  script: Script,
  test: (url: string, count: () => number) => Promise<void>,
): Promise<void> {
  const wires: Wire[] = [];
  const visits: Promise<void>[] = [];
  const server = createServer({ noDelay: true }, (socket) => {
    const wire = Wire.over(securedServer(socket), socket);
    const gone = new Promise<void>((resolve) => socket.on("close", () => resolve()));
    wires.push(wire);
    visits.push(Promise.all([script(wire), gone]).then(() => {}));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  try {
    const scheme = currentCertificate() ? "wss" : "ws";
    await test(`${scheme}://127.0.0.1:${(server.address() as AddressInfo).port}/`, () => wires.length);
    const over = Promise.all(visits);
    if (!await settlesInTime(over, GRACE)) {
      throw new Error(`A socket of the server is left after ${GRACE} ms`);
    }
    await over;
  } finally {
    for (const wire of wires) wire.destroy();
    server.close();
    await once(server, "close");
  }
}

/** Takes the request, and computes what a server must answer to its key. */
export async function receiveKey(wire: Wire): Promise<string> {
  const key = /^sec-websocket-key: (.+)\r$/im.exec(await wire.head())?.[1];
  return createHash("sha1").update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest("base64");
}

/** Answers with a text of one latin-1 character for each byte; `{accept}` in it stands for what fits the key. */
export function answer(text: string): Script {
  return async (wire) => wire.send(latin1(text.replaceAll("{accept}", await receiveKey(wire))));
}

/** Writes the same over and over, as fast as it is taken, until the socket is gone; returns how many bytes that was. */
export async function writeForever(wire: Wire, bytes: string | Uint8Array): Promise<number> {
  let written = 0;
  let over = false;
  const { socket } = wire;
  const gone = new Promise<void>((resolve) =>
    socket.on("close", () => {
      over = true;
      resolve();
    })
  );
  while (!over && socket.writable) {
    written += bytes.length;
    if (socket.write(bytes)) await new Promise((resolve) => setTimeout(resolve));
    else await Promise.race([gone, new Promise((resolve) => socket.once("drain", resolve))]);
  }
  return written;
}
