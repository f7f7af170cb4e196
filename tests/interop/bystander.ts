/**
 * A client that behaves, for the tests in which others do not.
 *
 * @module
 */

import { once } from "node:events";
import { WebSocket } from "ws";
import { within } from "./within.ts";

/** Connects with npm's `ws`. */
export async function openBystander(url: string): Promise<WebSocket> {
  const socket = new WebSocket(url);
  await within("A good client's 101", once(socket, "open"));
  return socket;
}

/** Sends a text, and takes the next message for its echo. */
export async function echoed(socket: WebSocket, text: string): Promise<string> {
  const message = once(socket, "message");
  socket.send(text);
  const [data] = await within("A good client's echo", message);
  return String(data);
}

/** Closes, and waits until the server has ended the stream. */
export async function leave(socket: WebSocket): Promise<void> {
  const closed = once(socket, "close");
  socket.close(1000);
  await within("The answer to a good client's Close", closed);
}
