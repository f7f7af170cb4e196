/**
 * Processes that may not use the network.
 *
 * @module
 */

import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { test } from "node:test";
import { assertEquals } from "#std/assert";
import { makeCertificate } from "../support/certificate.ts";
import { requires } from "../support/requires.ts";

const NODE = fileURLToPath(new URL("../../lib/adapters/node.ts", import.meta.url));
const DENO = new URL("../../lib/adapters/deno.ts", import.meta.url).href;
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

const DENO_SCRIPT = `
const { serve } = await import(${JSON.stringify(DENO)});
const tls = JSON.parse(Deno.args[0]);
for (const options of [{}, { tls }, { tls, hostname: "127.0.0.1" }]) {
  console.log(await serve(options, async () => {}).then(() => "serves", (error) => error.name));
}`;

test(
  "without --allow-net, serve on Deno rejects, with TLS too, and the process goes on",
  requires("openssl"),
  async () => {
    const folder = await mkdtemp(join(tmpdir(), "sluice-"));
    try {
      const script = join(folder, "script.ts");
      await writeFile(script, DENO_SCRIPT);
      const flags = ["run", "--no-prompt", "--allow-read", "--allow-import", "--no-check", "--no-lock"];
      const args = [...flags, script, JSON.stringify(makeCertificate())];
      const { stdout } = await promisify(execFile)("deno", args, {
        timeout: 20_000,
        env: { ...process.env, NO_COLOR: "1" },
      });
      assertEquals(stdout.trim().split("\n"), ["NotCapable", "NotCapable", "NotCapable"]);
    } finally {
      await rm(folder, { recursive: true });
    }
  },
);
