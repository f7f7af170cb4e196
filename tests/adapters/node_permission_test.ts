/**
 * A process of Node that may not use the network.
 *
 * @module
 */

import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { test } from "node:test";
import { assertEquals } from "#std/assert";

const NODE = fileURLToPath(new URL("../../lib/adapters/node.ts", import.meta.url));
const SCRIPT = `
const { connect, serve } = await import(${JSON.stringify(NODE)});
for (const options of [{}, { hostname: "127.0.0.1" }, { hostname: "localhost" }, { path: "/tmp/sluice-denied" }]) {
  console.log(await serve(options, async () => {}).then(() => "serves", (error) => error.code));
}
for (const url of ["ws://127.0.0.1:9/", "wss://127.0.0.1:9/"]) {
  console.log(await connect(url).then(() => "connects", (error) => error.code + " " + error.cause.code));
}`;

test("without the permission to use the network, serve and connect reject and the process goes on", async () => {
  const flags = ["--permission", "--allow-fs-read=*", "--allow-fs-write=*"];
  const { stdout } = await promisify(execFile)("node", [...flags, "--input-type=module", "-e", SCRIPT], {
    timeout: 20_000,
  });
  const denied = "ERR_ACCESS_DENIED";
  const unreachable = `unreachable ${denied}`;
  assertEquals(stdout.trim().split("\n"), [denied, denied, denied, denied, unreachable, unreachable]);
});
