import { assert, assertEquals } from "#std/assert";
import { execFileSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { Opcode } from "../../lib/protocol/frame.ts";
import { runtimes } from "../support/runtimes.ts";
import { settles, sleep } from "../support/serving.ts";
import { clientFrame, UPGRADE, Wire } from "../support/wire.ts";
import { figure, Lane, type Subject, within } from "./faulty.ts";

/** How many files the server may open besides those that it has. */
const ROOM = 40;
/** How many connections come. */
const COMING = 80;

for (const runtime of runtimes) {
  const lane = new Lane(runtime);
  const name = "out of file descriptors, the server serves those it has, and others once these leave";
  lane.test(name, [], async (server) => {
    // Deno opens some for itself half a second after its start, and panics if it cannot.
    await sleep(1_500);
    const files = readdirSync(`/proc/${server.pid}/fd`).length + ROOM;
    execFileSync("prlimit", [`--pid=${server.pid}`, `--nofile=${files}:${files}`]);
    const callers = await Promise.all(Array.from({ length: COMING }, () => Caller.dial(server)));
    await within(3_000, () => inside(callers).length >= ROOM / 2, true);
    await sleep(300);
    const first = inside(callers);
    assert(first.length < COMING, "all got in: the limit is none");
    const cpu = server.cpu();
    await sleep(1_000);
    const used = server.cpu() - cpu;
    figure(runtime, first.length, "got in, then", used.toFixed(2), "s of processor in 1 s");
    // Bun asks again without a pause (oven-sh/bun#32705), and its adapter does not hear of it.
    if (runtime !== "bun") assert(used < 0.5, `it used ${used} s of a second`);
    for (const caller of first) await caller.isEchoed();
    // Half of them leave.
    for (const caller of first.slice(0, first.length / 2)) caller.leave();
    const later = callers.filter((caller) => !first.includes(caller));
    // Those that wait get in; those that were turned away may come again.
    const again = later.map(async (caller) =>
      await settles(caller.refused, 1) ? Caller.dial(server) : caller
    );
    const others = await Promise.all(again);
    await within(3_000, () => inside(others).length >= first.length / 4, true);
    for (const caller of inside(others)) await caller.isEchoed();
    for (const caller of [...callers, ...others]) caller.leave();
    await within(3_000, () => server.sockets(), 1);
    const { errors } = await server.report();
    figure(runtime, "onError heard", errors.length, "times:", errors[0]);
    // Node turns away whom it has no room for, and Bun waits: neither tells.
    assertEquals(
      new Set(errors.map((text) => text.split(":")[0])),
      new Set(runtime === "deno" ? ["accept"] : []),
    );
    assert(errors.length < 200, `onError heard of it ${errors.length} times`);
  });
}

/** Who may get in or not. */
class Caller {
  inside = false;
  readonly refused: Promise<unknown>;
  readonly #wire: Wire;

  private constructor(wire: Wire) {
    this.#wire = wire;
    wire.send(UPGRADE.replace("GET / ", "GET /echo "));
    wire.head().then(() => this.inside = true, () => {});
    this.refused = wire.ended;
  }

  static async dial(server: Subject): Promise<Caller> {
    return new Caller(await Wire.open(server.port));
  }

  async isEchoed(): Promise<void> {
    this.#wire.send(clientFrame(Opcode.Text, "hello"));
    assertEquals(new TextDecoder().decode((await this.#wire.frame()).payload), "hello");
  }

  leave(): void {
    this.#wire.socket.resetAndDestroy();
  }
}

function inside(callers: readonly Caller[]): Caller[] {
  return callers.filter((caller) => caller.inside);
}
