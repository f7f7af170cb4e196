/**
 * Groups that reach into other processes, if a broker is given: `--broker redis://…` or `nats://…`.
 *
 * The client is whoever's who runs the broker; it is loaded only when it is asked for.
 *
 * @module
 */

import process from "node:process";
import { type Broker, Groups, type GroupsOptions } from "../../lib/groups/mod.ts";
import { natsBroker } from "../../lib/groups/brokers/nats.ts";
import { redisBroker } from "../../lib/groups/brokers/redis.ts";

/** Groups, and what it takes to let go of them. */
export interface OpenGroups {
  readonly groups: Groups;
  /** How long it takes until other processes know who joined a group, in milliseconds. */
  readonly settle: number;
  /** Makes more groups, which have nothing in common with the others but the connection to the broker. */
  make(name: string, options: GroupsOptions): Groups;
  /** Empties all groups and leaves the broker. */
  close(): Promise<void>;
}

/** What channels at the broker begin with. */
const NAME = "sluice-demo";

/** How long it takes until a broker tells who joined: groups gather changes for 50 milliseconds. */
const SETTLE = 250;

/** How long a process that died is still seen in the lists, in milliseconds. */
const PRESENCE_TTL = 6_000;

/**
 * Opens the groups; ends the process with 1 if the broker cannot be reached.
 *
 * @param url Where the broker is; without one the groups are this process's own.
 */
export async function openGroups(url: URL | undefined): Promise<OpenGroups> {
  if (url === undefined) return open(0, () => undefined, () => {});
  try {
    return url.protocol === "redis:" ? await openRedis(url) : await openNats(url);
  } catch (error) {
    console.error(
      `Cannot reach the broker at ${url.host}: ${error instanceof Error ? error.message : error}`,
    );
    process.exit(1);
  }
}

async function openRedis(url: URL): Promise<OpenGroups> {
  const { createClient } = await import("@redis/client");
  let connected = false;
  const reconnectStrategy = (attempts: number) => connected && Math.min(100 * 2 ** attempts, 2_000);
  const client = createClient({ url: url.href, socket: { reconnectStrategy } });
  client.on("error", (error) => connected && console.error(`Redis: ${error.message || error.code}`));
  await client.connect();
  connected = true;
  return open(
    SETTLE,
    (name) => redisBroker(client, { prefix: `${name}:`, presenceTtl: PRESENCE_TTL }),
    () => client.close(),
  );
}

async function openNats(url: URL): Promise<OpenGroups> {
  const { connect } = await import("@nats-io/transport-node");
  const [user, pass] = [decodeURIComponent(url.username), decodeURIComponent(url.password)];
  const login = pass === "" ? user !== "" && { token: user } : { user, pass };
  const client = await connect({ servers: url.host, maxReconnectAttempts: -1, ...login });
  return open(
    SETTLE,
    (name) => natsBroker(client, { prefix: `${name}.`, presenceTtl: PRESENCE_TTL }),
    () => client.close(),
  );
}

function open(
  settle: number,
  connect: (name: string) => Broker | undefined,
  leave: () => unknown,
): OpenGroups {
  const opened: Groups[] = [];
  const make = (name: string, options: GroupsOptions): Groups => {
    const broker = connect(name);
    const groups = new Groups({
      ...broker && { broker },
      onError: (error, { stage }) =>
        console.error(`Groups, ${stage}:`, error instanceof Error ? error.message : error),
      ...options,
    });
    opened.push(groups);
    return groups;
  };
  const groups = make(NAME, {});
  return {
    groups,
    settle,
    make: (name, options) => make(`${NAME}-${name}`, options),
    async close() {
      await Promise.all(opened.map((groups) => groups.close()));
      await leave();
    },
  };
}
