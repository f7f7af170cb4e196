/**
 * The side channel: `/devices`. A message goes to the one device that it names; while that is away, it waits here.
 *
 * @module
 */

import type { WebSocketConnection } from "../../lib/adapters/node.ts";
import type { OpenGroups } from "./broker.ts";
import type { Feature } from "./feature.ts";
import { type Fields, readObjects, textOf } from "./json.ts";
import { Names, visibleName } from "./names.ts";

/** How many messages wait for one device, and for how many devices. */
const MAX_WAITING = 5;
const MAX_AWAY = 1_000;

/** How long names and messages may be, in characters. */
const MAX_NAME = 24;
const MAX_TEXT = 500;

/** Why a device cannot have its name. */
const TAKEN = "A device of that name is here.";

/** The group of all devices; each is a member under its own name. */
const DEVICES = "devices";

/** Behind it is the device's name, in the name by which a member is addressed. */
const PREFIX = "device/";

/**
 * Opens the side channel.
 *
 * @param open The groups, of one process or of many.
 */
export function devices({ groups, settle }: OpenGroups): Feature {
  const given = new Names(groups, "device names", settle);
  /** What waits in this process, by the device's name. */
  const waiting = new Map<string, string[]>();

  /** A device that has come back, to whichever process, gets what has waited for it here. */
  async function handOver(): Promise<void> {
    for await (const { type, name } of groups.presence.watch(DEVICES)) {
      if (type !== "came") continue;
      const device = name.slice(PREFIX.length);
      const messages = waiting.get(device) ?? [];
      waiting.delete(device);
      for (const message of messages) groups.sendTo(name, message);
    }
  }

  async function isHere(name: string): Promise<boolean> {
    const { names } = await groups.presence(DEVICES);
    return names.includes(PREFIX + name);
  }

  /** Keeps a message for a device that is away; tells whether there was room. */
  function keep(to: string, message: string): boolean {
    const messages = waiting.get(to) ?? [];
    if (messages.length >= MAX_WAITING || (messages.length === 0 && waiting.size >= MAX_AWAY)) return false;
    messages.push(message);
    waiting.set(to, messages);
    return true;
  }

  /** Delivers a message, or keeps it, or says that it can do neither. */
  async function pass(from: string, fields: Fields): Promise<Fields> {
    const [to, text] = [visibleName(textOf(fields, "to", MAX_NAME)), textOf(fields, "text", MAX_TEXT)];
    if (to === "" || text === "") return { type: "failed", to, why: "A message needs a device and a text." };
    const message = JSON.stringify({ type: "message", from, text, at: Date.now() });
    if (await isHere(to)) {
      await groups.sendTo(PREFIX + to, message);
      return { type: "delivered", to, text };
    }
    const kept = keep(to, message);
    const waits = waiting.get(to)?.length ?? 0;
    if (kept) return { type: "kept", to, text, waits, bound: MAX_WAITING };
    return { type: "failed", to, text, why: `${waits} messages wait for ${to} already, and no more may.` };
  }

  async function talk(socket: WebSocketConnection, name: string): Promise<void> {
    const owner = crypto.randomUUID();
    if (!await given.take({ name, owner }, socket)) return socket.close({ closeCode: 4009, reason: TAKEN });
    await groups.join(DEVICES, socket, { as: PREFIX + name });
    await socket.send(JSON.stringify({ type: "welcome", name }));
    for await (const fields of readObjects(socket)) {
      await socket.send(JSON.stringify(await pass(name, fields)));
    }
  }

  handOver();
  return {
    doors: {
      "/devices": async ({ url }) => {
        const name = visibleName(textOf({ name: url.searchParams.get("name") }, "name", MAX_NAME));
        if (name === "") return new Response("A device needs a name.\n", { status: 400 });
        if (await isHere(name)) return new Response(`${TAKEN}\n`, { status: 409 });
        return (socket) => talk(socket, name);
      },
    },
  };
}
