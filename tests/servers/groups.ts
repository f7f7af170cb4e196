/**
 * A server whose one group is told what a controller says, for the tests with members that are slow.
 *
 * Every connection joins the group `all` under the name that its path has. What a connection sends is a command: bytes
 * go to everyone in `all`; text is `fill NAME COUNT SIZE` for as many messages to one member, or `counts`, answered
 * with what was lost, the members, and the memory of the process.
 *
 * @module
 */

import process from "node:process";
import { parseArgs } from "node:util";
import { Groups, type SlowConsumerPolicy } from "../../lib/groups/mod.ts";
import type { WebSocketConnection } from "../../mod.ts";
import { serve } from "../support/sluice.ts";

const { values: flags } = parseArgs({
  options: {
    "slow-consumer": { type: "string", default: "drop" },
    "max-buffered": { type: "string", default: "1048576" },
  },
});

/** What `counts` is answered with. */
export interface GroupsReport {
  readonly dropped: number;
  readonly closed: number;
  readonly members: number;
  /** What waits for the members, in bytes: for the one for whom most does. */
  readonly buffered: number;
  /** The memory of the process, in bytes. */
  readonly rss: number;
}

const groups = new Groups({
  slowConsumer: flags["slow-consumer"] as SlowConsumerPolicy,
  maxBuffered: Number(flags["max-buffered"]),
});

function report(): GroupsReport {
  const members = groups.members("all");
  const { dropped, closed } = groups.counts;
  let buffered = 0;
  for (const { bufferedAmount } of members) buffered = Math.max(buffered, bufferedAmount);
  return { dropped, closed, members: members.size, buffered, rss: process.memoryUsage().rss };
}

async function obey(socket: WebSocketConnection): Promise<void> {
  for await (const command of socket) {
    if (typeof command !== "string") {
      groups.publish("all", command);
      continue;
    }
    const [what, name = "", count, size] = command.split(" ");
    if (what === "counts") await socket.send(JSON.stringify(report()));
    else for (let i = 0; i < Number(count); i++) groups.sendTo(name, new Uint8Array(Number(size)));
  }
}

const server = await serve({ hostname: "127.0.0.1", keepalive: false }, async (socket, request) => {
  if (request.url.pathname !== "/control") {
    await groups.join("all", socket, { as: request.url.pathname.slice(1) });
    await socket.closed;
  } else await obey(socket);
});
if ("port" in server.address) console.log(`listening on ws://127.0.0.1:${server.address.port}`);
