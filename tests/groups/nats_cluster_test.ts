/**
 * Groups over a cluster of NATS.
 *
 * @module
 */

import { assertEquals } from "#std/assert";
import process from "node:process";
import { test } from "node:test";
import { Groups } from "../../lib/groups/mod.ts";
import { connectBroker } from "../support/broker_clients.ts";
import { startNatsCluster } from "../support/nats_servers.ts";
import { requires } from "../support/requires.ts";
import { sleep } from "../support/serving.ts";
import { Member } from "./member.ts";

const JOINS = process.env.SLUICE_LONG === "1" ? 3_000 : 150;

/** Joins one group after the other at a node, and publishes to each at others at once; returns who did not get all. */
async function joinAndPublish(all: readonly Groups[], room: string): Promise<Member[]> {
  const members: Member[] = [];
  for (let i = 0; i < JOINS; i++) {
    const member = new Member();
    members.push(member);
    await all[i % all.length]!.join(`${room} ${i}`, member);
    for (let away = 1; away < all.length; away++) {
      void all[(i + away) % all.length]!.publish(`${room} ${i}`, `${away}`);
    }
  }
  const whole = ({ received }: Member) => received.length === all.length - 1;
  for (let i = 0; i < 50 && !members.every(whole); i++) await sleep(20);
  await sleep(50);
  return members.filter((member) => !whole(member));
}

test(
  "groups over a NATS cluster: who has joined at one node hears what is published at another",
  requires("nats-server"),
  async () => {
    const nodes = await startNatsCluster(3);
    const clients = await Promise.all(nodes.map(({ url }) => connectBroker(url)));
    const errors: unknown[] = [];
    const all = clients.map(({ broker }) => new Groups({ broker, onError: (error) => errors.push(error) }));
    try {
      assertEquals(await joinAndPublish(all, "room"), []);
      // Nobody is left to answer for the third node.
      await all[2]!.close();
      assertEquals(await joinAndPublish(all.slice(0, 2), "other room"), []);
      assertEquals(errors, []);
    } finally {
      await Promise.all(all.map((each) => each.close()));
      await Promise.all(clients.map(({ end }) => end()));
      await Promise.all(nodes.map((node) => node.stop()));
    }
  },
);
