import { test } from "node:test";
import { assertEquals } from "#std/assert";
import { type Runtime, runtimes } from "../support/runtimes.ts";
import { type ClientRun, runClient } from "./run_client.ts";
import { scenarios, type Target } from "./scenarios.ts";
import { useServers } from "./servers.ts";
import type { ClientName } from "./session.ts";

const clients: readonly { name: string; client: ClientName; runtime: Runtime; pings: boolean }[] = [
  { name: "npm's ws", client: "ws", runtime: "node", pings: true },
  { name: "Node's WebSocket", client: "native", runtime: "node", pings: false },
  { name: "Deno's WebSocket", client: "native", runtime: "deno", pings: false },
  { name: "Bun's WebSocket", client: "native", runtime: "bun", pings: true },
];

const runs = new Map<string, ClientRun>();

useServers(
  Object.fromEntries(
    runtimes.flatMap((runtime) => [
      [`echo on ${runtime}`, { runtime, script: "echo.ts" }],
      [`initiator on ${runtime}`, { runtime, script: "initiator.ts" }],
    ]),
  ),
  async (urlOf) => {
    const targets = runtimes.map((name): Target => ({
      name,
      echo: urlOf(`echo on ${name}`),
      initiator: urlOf(`initiator on ${name}`),
      pings: true,
    }));
    for (const { name, client, runtime } of clients) {
      runs.set(name, await runClient(client, runtime, targets));
    }
  },
);

for (const { name, pings } of clients) {
  for (const runtime of runtimes) {
    for (const scenario of scenarios) {
      if (scenario.needsPing === "client" && !pings) continue;
      test(`${name} and a Sluice server on ${runtime}: ${scenario.name}`, () => {
        assertEquals(runs.get(name)!.value(runtime, scenario.name), scenario.expected);
      });
    }
  }
}
