import { test } from "node:test";
import { assertEquals } from "#std/assert";
import { type Runtime, runtimes } from "../support/runtimes.ts";
import { type ClientRun, runClient } from "./run_client.ts";
import { scenarios, type Target } from "./scenarios.ts";
import { useServers } from "./servers.ts";

/** What others wrote: each script echoes and takes the first step. */
const others = [
  { name: "npm's ws", runtime: "node", script: "ws_echo.ts", pings: true },
  { name: "Deno.serve", runtime: "deno", script: "deno_echo.ts", pings: false },
  { name: "Bun.serve", runtime: "bun", script: "bun_echo.ts", pings: true },
] as const;

const servers = [
  ...runtimes.map((runtime) => ({ name: `Sluice on ${runtime}`, pings: true })),
  ...others,
];

const runs = new Map<Runtime, ClientRun>();

useServers(
  {
    ...Object.fromEntries(runtimes.flatMap((runtime) => [
      [`Sluice on ${runtime}`, { runtime, script: "echo.ts" }],
      [`initiator on ${runtime}`, { runtime, script: "initiator.ts" }],
    ])),
    ...Object.fromEntries(others.map(({ name, runtime, script }) => [name, { runtime, script }])),
  },
  async (urlOf) => {
    const targets = servers.map(({ name, pings }): Target => ({
      name,
      echo: urlOf(name),
      initiator: urlOf(name.replace("Sluice", "initiator")),
      pings,
    }));
    for (const runtime of runtimes) runs.set(runtime, await runClient("sluice", runtime, targets));
  },
);

for (const runtime of runtimes) {
  for (const { name, pings } of servers) {
    for (const scenario of scenarios) {
      if (scenario.needsPing === "server" && !pings) continue;
      test(`Sluice's connect on ${runtime} and ${name}: ${scenario.name}`, () => {
        assertEquals(runs.get(runtime)!.value(name, scenario.name), scenario.expected);
      });
    }
  }
}
