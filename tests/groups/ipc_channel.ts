/**
 * The channel between a parent and a child, both of them in this process.
 *
 * @module
 */

import { EventEmitter } from "node:events";
import type { IpcChild, IpcParent, IpcRelay } from "../../lib/groups/brokers/cluster_ipc.ts";

/** One end: what it sends arrives at the other in a later turn, as a copy. */
class ChannelEnd extends EventEmitter implements IpcParent, IpcChild {
  other!: ChannelEnd;

  send(message: unknown, done?: (error: Error | null) => void): boolean {
    const json = JSON.stringify(message);
    setImmediate(() => {
      done?.(null);
      this.other.emit("message", JSON.parse(json));
    });
    return true;
  }
}

/** Makes a child that a relay serves; returns what the child would call `process`. */
export function forkHere(relay: IpcRelay): IpcParent {
  const [child, parent] = [new ChannelEnd(), new ChannelEnd()];
  [child.other, parent.other] = [parent, child];
  relay.add(child);
  return parent;
}
