/**
 * A member of a group that is no browser: this process itself.
 *
 * What is published to a group goes to connections. So the process has one too: both ends of a WebSocket, over two
 * streams in memory.
 *
 * @module
 */

import type { Groups, JoinOptions, JoinResult } from "../../lib/groups/mod.ts";
import { acceptStream, connectStream, type WebSocketConnection } from "../../mod.ts";
import { type Fields, parseObject } from "./json.ts";

/**
 * Hears everything that is published to a group, by this process and by others.
 *
 * @param groups Where the group is.
 * @param group Its name.
 * @param hear Is called with each message, in order.
 * @param options `as`: the name under which others see and address this member; `since`: where in the history it begins.
 * @returns What the group answers to whoever joins.
 */
export async function listen(
  groups: Groups,
  group: string,
  hear: (fields: Fields) => void,
  options: JoinOptions = {},
): Promise<JoinResult> {
  const [near, far] = await connectionInMemory();
  hearAll(far, hear);
  return await groups.join(group, near, options);
}

async function hearAll(socket: WebSocketConnection, hear: (fields: Fields) => void): Promise<void> {
  for await (const message of socket) {
    const fields = parseObject(message);
    if (fields !== undefined) hear(fields);
  }
}

/** The two ends of a connection that needs no network. */
async function connectionInMemory(): Promise<[WebSocketConnection, WebSocketConnection]> {
  const up = new TransformStream<Uint8Array, Uint8Array>();
  const down = new TransformStream<Uint8Array, Uint8Array>();
  // Nobody is far away here who could vanish without a word.
  const options = { keepalive: false } as const;
  return await Promise.all([
    acceptStream({ readable: up.readable, writable: down.writable }, options),
    connectStream({ readable: down.readable, writable: up.writable }, "ws://localhost/", options),
  ]);
}
