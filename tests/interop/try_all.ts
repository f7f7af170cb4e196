/**
 * Has each of some clients do everything that there is to do with each of some servers, and makes a test of each.
 *
 * @module
 */

import { after, test } from "node:test";
import { assert, assertEquals, assertMatch } from "#std/assert";
import { shareCertificate } from "../support/certificate.ts";
import { LONG } from "../support/long.ts";
import type { Interpreter, Runtime } from "../support/runtimes.ts";
import { type ClientRun, runClient } from "./run_client.ts";
import { deflateScenarios, type Scenario, scenarios, type Target } from "./scenarios.ts";
import { type ServerSpec, useServers } from "./servers.ts";
import type { ClientCompression, ClientName } from "./session.ts";
import { type Count, Tap } from "./tap.ts";

/** A client: what it is made with, and what it runs on. */
export interface ClientSpec {
  readonly name: string;
  readonly client: ClientName | "websockets";
  readonly runtime: Interpreter;
  readonly pings: boolean;
  /** How it compresses; what it has to offer unless given. */
  readonly compression?: ClientCompression;
  /** Whether it only inflates. */
  readonly inflatesOnly?: boolean;
  /** Whether it can send a message in fragments. */
  readonly fragments?: boolean;
}

/** A server that echoes, and takes the first step; a second script does the latter where the first does not. */
export interface PeerSpec {
  readonly name: string;
  readonly runtime: Interpreter;
  readonly script: string;
  readonly initiator?: string;
  readonly pings: boolean;
  /** What to start it with. */
  readonly args?: readonly string[];
  /** Whether it sends fragments when asked for `/fragments`. */
  readonly fragments?: boolean;
  /** What else than permessage-deflate its answer must have. */
  readonly answer?: RegExp;
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
  /** How many messages make a series, where there is compression. @default {SHORT_SERIES} */
  readonly series?: number;
  /** Whether both directions must keep their windows, or neither may; only where there is compression. */
  readonly takeover?: boolean;
}

/** How many messages make the series of a pair of which others tell the rest, and of one that shows it all. */
const SHORT_SERIES = LONG ? 500 : 150;
export const LONG_SERIES: number = LONG ? 10_000 : 300;

/** Sets how everything is tried. */
export interface TryOptions {
  /** Whether over TLS. @default false */
  readonly secure?: boolean;
  /** Whether with compression. @default false */
  readonly deflate?: boolean;
  /** What is missing, if anything. */
  readonly skip?: false | string;
}

/** Registers a test for each client, server and scenario; everything is done before the first of them. */
export function tryAll(
  groups: readonly Group[],
  { secure = false, deflate = false, skip = false }: TryOptions = {},
): void {
  const runs = new Map<string, ClientRun>();
  const taps = new Map<string, Tap>();
  if (skip === false) {
    const shared = secure ? shareCertificate() : undefined;
    if (shared !== undefined) after(() => shared.remove());
    const common = { args: secure ? ["--tls"] : [], env: shared?.env ?? {} };
    const servers = new Set(groups.flatMap(({ servers }) => servers));
    useServers(
      Object.fromEntries(Array.from(servers).flatMap((server) => specsOf(server, common))),
      async (urlOf) => {
        for (const { clients, servers, series = SHORT_SERIES } of groups) {
          for (const client of clients) {
            const targets = servers.map((server) => ({ ...targetOf(server, urlOf), series }));
            const { compression = deflate || undefined } = client;
            if (deflate) {
              await Promise.all(targets.map(async (target) => {
                const tap = await Tap.open(target.echo);
                taps.set(pairOf(client, target), tap);
                target.echo = tap.url;
              }));
            }
            const options = { env: common.env, compression };
            const run = await runClient(client.client, client.runtime, targets, options);
            for (const server of servers) runs.set(pairOf(client, server), run);
          }
        }
      },
    );
  }
  const over = secure ? " over TLS" : deflate ? ", compressed" : "";
  const all = deflate ? deflateScenarios : scenarios;
  after(() => taps.forEach((tap) => tap.close()));
  for (const group of groups) {
    const { clients, servers } = group;
    for (const client of clients) {
      for (const server of servers) {
        for (const scenario of all.filter((scenario) => makesSense(scenario, client, server))) {
          test(`${client.name} and ${server.name}${over}: ${scenario.name}`, { skip }, () => {
            assertEquals(
              runs.get(pairOf(client, server))!.value(server.name, scenario.name),
              scenario.expected,
            );
          });
        }
        if (!deflate) continue;
        test(`${client.name} and ${server.name}${over}: RSV1 on the wire`, { skip }, () => {
          expectCompressed(taps.get(pairOf(client, server))!, client, server, group);
        });
      }
    }
  }
}

const pairOf = (client: ClientSpec, server: { name: string }): string => `${client.name} and ${server.name}`;

/** Of a series, many messages are long enough to be compressed, whoever sends them. */
function expectCompressed(tap: Tap, client: ClientSpec, server: PeerSpec, group: Group): void {
  const { series = SHORT_SERIES, takeover } = group;
  for (const answer of tap.answers) {
    assertMatch(answer, server.answer ?? /^permessage-deflate\b/);
    const words = answer.match(/(?:server|client)_no_context_takeover/g)?.length ?? 0;
    if (takeover !== undefined) assertEquals(words, takeover ? 0 : 2, answer);
  }
  const most = ({ messages, compressed }: Count) => {
    assert(messages > series, `${messages} messages`);
    assert(compressed > series / 4, `${compressed} of ${messages} messages are compressed`);
  };
  if (client.inflatesOnly) assertEquals(tap.fromClient.compressed, 0);
  else most(tap.fromClient);
  most(tap.fromServer);
}

const firstStepOf = ({ name }: PeerSpec): string => `${name} that takes the first step`;

function specsOf(server: PeerSpec, common: Partial<ServerSpec>): [string, ServerSpec][] {
  const { name, runtime, script, initiator } = server;
  const args = [...common.args ?? [], ...server.args ?? []];
  const specs: [string, ServerSpec][] = [[name, { ...common, runtime, script, args }]];
  if (initiator !== undefined) {
    specs.push([firstStepOf(server), { ...common, runtime, script: initiator, args }]);
  }
  return specs;
}

function targetOf(
  server: PeerSpec,
  urlOf: (name: string) => string,
): { -readonly [Key in keyof Target]: Target[Key] } {
  const { name, initiator, pings } = server;
  return {
    name,
    echo: urlOf(name),
    initiator: urlOf(initiator === undefined ? name : firstStepOf(server)),
    pings,
  };
}

function makesSense({ needsPing, needsFragments }: Scenario, client: ClientSpec, server: PeerSpec): boolean {
  if (needsFragments === "client") return client.fragments === true;
  if (needsFragments === "server") return server.fragments === true;
  if (needsPing === "client") return client.pings;
  return needsPing !== "server" || server.pings;
}
