/**
 * A link over a connection to one node, whichever that is, which both sends and subscribes.
 *
 * @module
 */

import { GroupsError } from "../../groups_error.ts";
import type { RedisLink } from "./link.ts";
import { type NodeConnection, NodeSubscriber } from "./node_subscriber.ts";

const HOME = "home";

/** Makes a link of what makes connections. */
export function linkHome(connect: () => NodeConnection): RedisLink {
  const subscriber = new NodeSubscriber({ home: HOME, nodeOf: () => HOME, connectionTo: connect });
  const tried = Promise.withResolvers<void>();
  return {
    sharded: false,
    open: (events) =>
      subscriber.open({
        ...events,
        ready: () => {
          tried.resolve();
          events.ready();
        },
        lost: (error) => {
          tried.resolve();
          events.lost(error);
        },
      }),
    send: async (_, command) => {
      // What is published while it connects for the first time waits for that.
      await tried.promise;
      if (subscriber.home?.send === undefined) throw new GroupsError("broker-away");
      return await subscriber.home.send(command);
    },
    subscribe: (channel, deliver) => subscriber.subscribe(channel, deliver),
    unsubscribe: (channel) => subscriber.unsubscribe(channel),
    close: () => {
      tried.resolve();
      subscriber.close();
    },
  };
}
