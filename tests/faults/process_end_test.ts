/**
 * A process whose server is closed ends, whoever stays connected.
 *
 * @module
 */

import { test } from "node:test";
import { assert, assertEquals } from "#std/assert";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { Program } from "../examples/program.ts";
import { overTls } from "../support/links.ts";
import { requires } from "../support/requires.ts";
import { runtimes } from "../support/runtimes.ts";
import { settlesInTime } from "../support/serving.ts";
import { clientClose, UPGRADE, Wire } from "../support/wire.ts";

const SCRIPT = fileURLToPath(new URL("../servers/closing.ts", import.meta.url));
/** Less than any time-out. */
const LIMIT = 3_000;

/** Clients that stay. */
const clients: Readonly<Record<string, (port: number) => Promise<Wire>>> = {
  "has said nothing": (port) => Wire.open(port),
  "has sent half a head": async (port) => {
    const wire = await Wire.open(port);
    wire.send(UPGRADE.slice(0, 40));
    return wire;
  },
  "has its page": async (port) => {
    const wire = await Wire.open(port);
    wire.send("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
    await wire.rest();
    return wire;
  },
  "was refused": async (port) => {
    const wire = await Wire.open(port);
    wire.send("nonsense\r\n\r\n");
    await wire.rest();
    return wire;
  },
  "is connected": (port) => Wire.upgrade(port),
  "has closed its WebSocket": async (port) => {
    const wire = await Wire.upgrade(port);
    wire.send(clientClose(1000));
    assertEquals(await wire.closeCode(), 1000);
    return wire;
  },
  "does not answer a Close": async (port) => {
    const wire = await Wire.upgrade(port, "/over");
    assertEquals(await wire.closeCode(), 1000);
    return wire;
  },
};

for (const runtime of runtimes) {
  const run = async (args: readonly string[]) => {
    const signal = join(mkdtempSync(join(tmpdir(), "sluice-end-")), "close");
    const program = new Program(runtime, SCRIPT, [signal, ...args]);
    const wires: Wire[] = [];
    try {
      const port = Number(await program.written(/listening on (\d+) /));
      for (const stay of Object.values(clients)) wires.push(await stay(port));
      writeFileSync(signal, "");
      await program.written(/(closed)/);
      assert(await settlesInTime(program.exited, LIMIT), "the process goes on");
      assertEquals(await program.exited, { code: 0, signal: null });
    } finally {
      await program.stop("SIGKILL");
      for (const wire of wires) wire.destroy();
      rmSync(dirname(signal), { recursive: true });
    }
  };
  const name = `${runtime}: a process ends when its server is closed, whoever stays connected`;
  test(name, () => run([]));
  test(`over TLS: ${name}`, requires("openssl"), () => overTls(() => run(["tls"])));
}
