import { test } from "node:test";
import { assertEquals } from "#std/assert";
import { Opcode } from "../../lib/protocol/frame.ts";
import { runtimes } from "../support/runtimes.ts";
import { settles } from "../support/serving.ts";
import { clientFrame, Wire } from "../support/wire.ts";
import { useServers } from "./servers.ts";
import { within } from "./within.ts";
import { assertTook } from "../support/patience.ts";

/** What `--keepalive` is set to, in milliseconds: the interval, and the timeout. */
const KEEPALIVE = 200;

const urlOf = useServers(Object.fromEntries(runtimes.flatMap((runtime) => [
  [`on ${runtime}`, { runtime, script: "echo.ts", args: ["--keepalive", String(KEEPALIVE)] }],
  [`off on ${runtime}`, { runtime, script: "echo.ts", args: ["--keepalive", "off"] }],
])));

const open = (name: string): Promise<Wire> => Wire.upgrade(Number(new URL(urlOf(name)).port));

for (const runtime of runtimes) {
  test(`the server on ${runtime} pings, keeps who answers, and cuts who does not`, async () => {
    const [alive, dead] = [await open(`on ${runtime}`), await open(`on ${runtime}`)];
    const start = performance.now();
    const cut = dead.ended.then(() => performance.now() - start);
    for (let i = 0; i < 2; i++) {
      const { opcode, payload } = await within("A Ping", alive.frame());
      assertEquals(opcode, Opcode.Ping);
      alive.send(clientFrame(Opcode.Pong, payload));
    }
    const time = await within("The cut", cut);
    assertTook(time, { least: 2 * KEEPALIVE - 100, most: 2 * KEEPALIVE + 500 });
    assertEquals(await settles(alive.ended, 10), false);
    alive.destroy();
    dead.destroy();
  });

  test(`the server on ${runtime} sends no Ping when told not to`, async () => {
    const wire = await open(`off on ${runtime}`);
    const frame = wire.frame();
    assertEquals(await settles(frame, 2.5 * KEEPALIVE), false);
    wire.send(clientFrame(Opcode.Text, "still here"));
    const { opcode, payload } = await within("The echo", frame);
    assertEquals([opcode, new TextDecoder().decode(payload)], [Opcode.Text, "still here"]);
    wire.destroy();
  });
}
