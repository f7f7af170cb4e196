/**
 * Runs the scenarios as a client, on any of the three runtimes: `client.ts native|ws|sluice '[target, …]' [compression]`.
 *
 * With compression, in JSON, there are more scenarios.
 *
 * Prints a line of JSON for each scenario and target: what came of it.
 *
 * @module
 */

import process from "node:process";
import { deflateScenarios, type Scenario, scenarios, type Target } from "./scenarios.ts";
import { type ClientCompression, type ClientName, clients } from "./session.ts";
import { afterPatience } from "../support/patience.ts";

/** What one scenario came to. */
export interface Result {
  readonly target: string;
  readonly scenario: string;
  readonly value?: unknown;
  readonly error?: string;
}

/** How long one scenario may take, in milliseconds: less than a server waits that was left without an answer to its Close. */
const TIMEOUT = 4_500;

const open = clients[process.argv[2] as ClientName];
const targets = JSON.parse(process.argv[3]!) as Target[];
const given = process.argv[4];
const compression = given === undefined ? undefined : JSON.parse(given) as ClientCompression;

for (const target of targets) {
  for (const scenario of compression === undefined ? scenarios : deflateScenarios) {
    if (scenario.needsPing === "server" && !target.pings) continue;
    console.log(JSON.stringify(await attempt(target, scenario)));
  }
}
// Connections that a failed scenario left open must not keep the process.
process.exit();

async function attempt(target: Target, scenario: Scenario): Promise<Result> {
  const names = { target: target.name, scenario: scenario.name };
  const limit = scenario.limit ?? TIMEOUT;
  const late = Promise.withResolvers<never>();
  const stop = afterPatience(limit, () => late.reject(new Error(`Nothing came of it within ${limit} ms`)));
  try {
    return { ...names, value: await Promise.race([carryOut(target, scenario), late.promise]) };
  } catch (error) {
    return { ...names, error: String(error) };
  } finally {
    stop();
  }
}

async function carryOut(target: Target, { url, run }: Scenario): Promise<unknown> {
  const session = await open(url(target), compression);
  const value = await run(session, target);
  session.close(1000, "");
  await session.closed;
  return value;
}
