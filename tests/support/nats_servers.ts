/**
 * Several processes of NATS: a cluster.
 *
 * @module
 */

import { connect } from "node:net";
import { BrokerServer } from "./brokers.ts";
import { freePort } from "./ports.ts";
import { sleep } from "./serving.ts";

/** Starts a cluster, whose nodes all know each other. */
export async function startNatsCluster(size: number): Promise<readonly BrokerServer[]> {
  const routes = await Promise.all(Array.from({ length: size }, freePort));
  const peers = routes.map((port) => `nats://127.0.0.1:${port}`).join();
  const nodes = await Promise.all(routes.map((port, i) => {
    const own = ["--name", `node ${i}`, "--cluster_name", "sluice", "--cluster", `nats://127.0.0.1:${port}`];
    return BrokerServer.start("nats", { more: [...own, "--routes", peers] });
  }));
  for (const { port } of nodes) {
    for (let attempt = 0; await countUrls(port) < size; attempt++) {
      if (attempt === 400) throw new Error("The nodes of NATS never find each other");
      await sleep(25);
    }
  }
  return nodes;
}

/** Asks a node how many it knows: what it says first to whoever connects has their addresses. */
function countUrls(port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("error", reject);
    socket.once("data", (data) => {
      socket.destroy();
      const { connect_urls } = JSON.parse(`${data}`.replace(/^INFO /, "")) as { connect_urls?: string[] };
      resolve(connect_urls?.length ?? 0);
    });
  });
}
