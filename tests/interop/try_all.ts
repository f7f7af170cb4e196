/**
 * Has each of some clients do everything that there is to do with each of some servers, and makes a test of each.
 *
 * @module
 */

import { after, test } from "node:test";
import { assertEquals } from "#std/assert";
import { shareCertificate } from "../support/certificate.ts";
import type { Interpreter, Runtime } from "../support/runtimes.ts";
import { type ClientRun, runClient } from "./run_client.ts";
import { type Scenario, scenarios, type Target } from "./scenarios.ts";
import { type ServerSpec, useServers } from "./servers.ts";
import type { ClientName } from "./session.ts";

/** A client: what it is made with, and what it runs on. */
export interface ClientSpec {
  readonly name: string;
  readonly client: ClientName | "websockets";
  readonly runtime: Interpreter;
  readonly pings: boolean;
}

/** A server that echoes, and takes the first step; a second script does the latter where the first does not. */
export interface PeerSpec {
  readonly name: string;
  readonly runtime: Interpreter;
  readonly script: string;
  readonly initiator?: string;
  readonly pings: boolean;
}

/** Our own server on a runtime. */
export function sluiceServer(runtime: Runtime): PeerSpec {
  const name = `a Sluice server on ${runtime}`;
  return { name, runtime, script: "echo.ts", initiator: "initiator.ts", pings: true };
}

/** Our own client on a runtime. */
export function sluiceClient(runtime: Runtime): ClientSpec {
  return { name: `Sluice's connect on ${runtime}`, client: "sluice", runtime, pings: true };
}

/** Our own WebSocketStream on a runtime; it has no way to ping. */
export function sluiceStreamClient(runtime: Runtime): ClientSpec {
  return { name: `Sluice's WebSocketStream on ${runtime}`, client: "sluice-stream", runtime, pings: false };
}

/** Clients, and the servers that each of them tries. */
export interface Group {
  readonly clients: readonly ClientSpec[];
  readonly servers: readonly PeerSpec[];
}

/** Sets how everything is tried. */
export interface TryOptions {
  /** Whether over TLS. @default false */
  readonly secure?: boolean;
  /** What is missing, if anything. */
  readonly skip?: false | string;
}

/** Registers a test for each client, server and scenario; everything is done before the first of them. */
export function tryAll(
  groups: readonly Group[],
  { secure = false, skip = false }: TryOptions = {},
): void {
  const runs = new Map<ClientSpec, ClientRun>();
  if (skip === false) {
    const shared = secure ? shareCertificate() : undefined;
    if (shared !== undefined) after(() => shared.remove());
    const common = { args: secure ? ["--tls"] : [], env: shared?.env ?? {} };
    const servers = new Set(groups.flatMap(({ servers }) => servers));
    useServers(
      Object.fromEntries(Array.from(servers).flatMap((server) => specsOf(server, common))),
      async (urlOf) => {
        for (const { clients, servers } of groups) {
          const targets = servers.map((server) => targetOf(server, urlOf));
          for (const client of clients) {
            runs.set(client, await runClient(client.client, client.runtime, targets, common.env));
          }
        }
      },
    );
  }
  const over = secure ? " over TLS" : "";
  for (const { clients, servers } of groups) {
    for (const client of clients) {
      for (const server of servers) {
        for (const scenario of scenarios.filter((scenario) => makesSense(scenario, client, server))) {
          test(`${client.name} and ${server.name}${over}: ${scenario.name}`, { skip }, () => {
            assertEquals(runs.get(client)!.value(server.name, scenario.name), scenario.expected);
          });
        }
      }
    }
  }
}

const firstStepOf = ({ name }: PeerSpec): string => `${name} that takes the first step`;

function specsOf(server: PeerSpec, common: Partial<ServerSpec>): [string, ServerSpec][] {
  const { name, runtime, script, initiator } = server;
  const specs: [string, ServerSpec][] = [[name, { runtime, script, ...common }]];
  if (initiator !== undefined) specs.push([firstStepOf(server), { runtime, script: initiator, ...common }]);
  return specs;
}

function targetOf(server: PeerSpec, urlOf: (name: string) => string): Target {
  const { name, initiator, pings } = server;
  return {
    name,
    echo: urlOf(name),
    initiator: urlOf(initiator === undefined ? name : firstStepOf(server)),
    pings,
  };
}

function makesSense({ needsPing }: Scenario, client: ClientSpec, server: PeerSpec): boolean {
  if (needsPing === "client") return client.pings;
  return needsPing !== "server" || server.pings;
}
