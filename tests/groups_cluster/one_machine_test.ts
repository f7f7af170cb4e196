import { execFile } from "node:child_process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { assert, assertEquals } from "#std/assert";
import { runtimes } from "../support/runtimes.ts";

const script = fileURLToPath(new URL("one_machine.ts", import.meta.url));

for (const runtime of runtimes) {
  for (const how of ["processes", "threads", "broadcast"]) {
    test(`groups of one machine, ${how} of ${runtime}: 1,000 messages in a burst arrive in order, or are told of`, async () => {
      const flags = runtime === "deno" ? ["run", "-A"] : [];
      const { stdout } = await promisify(execFile)(runtime, [...flags, script, how], { timeout: 45_000 });
      const { inOrder, count, told, names } = JSON.parse(stdout.trim().split("\n").at(-1)!);
      assertEquals({ inOrder, names }, { inOrder: true, names: "one,two" });
      // Deno's BroadcastChannel drops what comes in a burst; nobody else loses anything.
      if (how === "broadcast" && runtime === "deno") {
        assert(told === count < 1_000, `${count} arrived, told: ${told}`);
      } else assertEquals({ count, told }, { count: 1_000, told: false });
    });
  }
}
