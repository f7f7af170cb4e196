/**
 * What a broker refuses: some names, or one subscription too many.
 *
 * @module
 */

import { assertEquals, assertMatch } from "#std/assert";
import { test } from "node:test";
import { Groups, type GroupsErrorContext, type GroupsOptions } from "../../lib/groups/mod.ts";
import { connectBroker } from "../support/broker_clients.ts";
import { type BrokerName, BrokerServer } from "../support/brokers.ts";
import { requires } from "../support/requires.ts";
import { sleep, until } from "../support/serving.ts";
import { Member } from "./member.ts";

const SECRET = 'deny: ["sluice.g-secret", "sluice.m-eve"]';

/** A configuration of NATS in which a user "guest" may not do everything. */
function natsConfig(options: { publish?: string; subscribe?: string; more?: string } = {}): string {
  const { publish = "", subscribe = "", more = "" } = options;
  return `${more}
    authorization { users: [
      { user: "guest", password: "guest", permissions: { publish: { ${publish} }, subscribe: { ${subscribe} } } }
      { user: "root", password: "root" }
    ] }`;
}

const REDIS_CONFIG = `
user root on >root ~* &* +@all
user guest on >guest ~* resetchannels &sluice:g-open &sluice:a- +@all
user default off
`;

interface Told {
  readonly code: unknown;
  readonly message: string;
  readonly context: GroupsErrorContext;
}

type Start = (user: string, options?: GroupsOptions) => Promise<{ groups: Groups; told: Told[] }>;

/** Runs a test with a server of its own, and processes that log in to it. */
async function withServer(
  name: BrokerName,
  config: string,
  run: (start: Start, server: BrokerServer) => Promise<void>,
): Promise<void> {
  const server = await BrokerServer.start(name, { config });
  const ends: (() => Promise<unknown>)[] = [];
  try {
    await run(async (user) => {
      const { broker, end } = await connectBroker(server.url.replace("://", `://${user}:${user}@`));
      const told: Told[] = [];
      const groups = new Groups({
        broker,
        onError: (error, context) => {
          const { code, message } = error as Error & { code?: unknown };
          told.push({ code, message, context });
        },
      });
      ends.push(() => groups.close().then(end));
      return { groups, told };
    }, server);
  } finally {
    await Promise.all(ends.map((end) => end()));
    await server.stop();
  }
}

for (
  const [name, config, reason] of [
    ["nats", natsConfig({ publish: SECRET, subscribe: SECRET }), /Permissions Violation for/],
    ["redis", REDIS_CONFIG, /NOPERM/],
  ] as const
) {
  const options = requires(`${name}-server`);

  test(
    `${name}: a group that may not be subscribed to is told to onError before join resolves`,
    options,
    () =>
      withServer(name, config, async (start) => {
        const [{ groups, told }, { groups: root }] = [await start("guest"), await start("root")];
        const [first, second, open] = [new Member(), new Member(), new Member()];
        await groups.join("secret", first);
        assertEquals(told.map(({ context }) => context), [{ stage: "subscribe", group: "secret" }]);
        assertMatch(told[0]!.message, reason);
        await groups.join("secret", second);
        assertEquals(told.length, 2, "the second member is told nothing");
        await groups.join("open", open);
        assertEquals(told.length, 2);
        await root.publish("secret", "for few");
        await root.publish("open", "for all");
        await until(() => open.received.length === 1);
        assertEquals([first.received, second.received], [[], []]);
        await sleep(1_200); // it is tried again, and not reported again
        assertEquals(told.length, 2);
      }),
  );

  test(
    `${name}: a message that may not be published is counted and told to onError`,
    options,
    () =>
      withServer(name, config, async (start) => {
        const [{ groups, told }, { groups: root }] = [await start("guest"), await start("root")];
        const [secret, open, eve] = [new Member(), new Member(), new Member()];
        await root.join("secret", secret);
        await root.join("open", open);
        await root.join("eve's", eve, { as: "eve" });
        const results = await Promise.all([
          groups.sendTo("eve", "hello"),
          groups.sendTo("eve", "hello?"),
          groups.publish("secret", "from a guest"),
          groups.publish("open", "from a guest"),
        ]);
        assertEquals(results.slice(0, 2), [
          { local: 0, forwarded: false },
          { local: 0, forwarded: false },
        ]);
        await until(() => open.received.length === 1 && told.length === 3);
        assertEquals(groups.counts.lost, 3);
        assertEquals(told.map(({ context }) => context), [
          { stage: "publish", member: "eve" },
          { stage: "publish", member: "eve" },
          { stage: "publish", group: "secret" },
        ]);
        for (const { message } of told) assertMatch(message, reason);
        await groups.publish("open", "again");
        await until(() => open.received.length === 2);
        await sleep(20);
        assertEquals([secret.received, eve.received, told.length], [[], [], 3]);
      }),
  );
}

test(
  "nats: of more groups than it takes subscriptions, the rest is told and joins when there is room",
  requires("nats-server"),
  () =>
    withServer("nats", natsConfig({ more: "max_subscriptions: 6" }), async (start) => {
      const [{ groups, told }, { groups: root }] = [await start("guest"), await start("root")];
      const members = Array.from({ length: 8 }, () => new Member());
      await Promise.all(members.map((member, i) => groups.join(`room ${i}`, member)));
      assertEquals(
        told.map(({ code, context }) => [code, context.stage]),
        [1, 2, 3].map(() => ["broker-refused", "subscribe"]),
      );
      const refused = new Set(told.map(({ context }) => context.group));
      for (const i of members.keys()) await root.publish(`room ${i}`, "hello");
      const joined = [...members.keys()].filter((i) => !refused.has(`room ${i}`));
      await until(() => joined.every((i) => members[i]!.received.length === 1));
      await sleep(50);
      assertEquals(
        members.map(({ received }) => received.length),
        [...members.keys()].map((i) => joined.includes(i) ? 1 : 0),
      );
      for (const i of joined.slice(0, 3)) groups.leave(`room ${i}`, members[i]!);
      const late = [...members.keys()].filter((i) => !joined.includes(i));
      for (let i = 0; late.some((i) => members[i]!.received.length === 0); i++) {
        if (i === 400) throw new Error("They never joined");
        for (const i of late) if (members[i]!.received.length === 0) await root.publish(`room ${i}`, "hello");
        await sleep(25);
      }
      assertEquals(told.length, 3);
    }),
);

test(
  "nats: a subscription that is refused from now on is told, and comes back when it is allowed again",
  requires("nats-server"),
  () =>
    withServer("nats", natsConfig({}), async (start, server) => {
      const [{ groups, told }, { groups: root }] = [await start("guest"), await start("root")];
      const [member, open] = [new Member(), new Member()];
      await groups.join("secret", member);
      await groups.join("open", open);
      server.configure(natsConfig({ subscribe: SECRET }));
      server.reload();
      await until(() => told.length === 1);
      assertEquals([told[0]!.code, told[0]!.context], ["broker-refused", {
        stage: "subscribe",
        group: "secret",
      }]);
      await root.publish("secret", "not yet");
      await root.publish("open", "still");
      await until(() => open.received.length === 1);
      server.configure(natsConfig({}));
      server.reload();
      for (let i = 0; member.received.length === 0; i++) {
        if (i === 400) throw new Error("It never came back");
        await root.publish("secret", "again");
        await sleep(25);
      }
      assertEquals([member.received[0], told.length], ["again", 1]);
    }),
);
