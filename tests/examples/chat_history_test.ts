import { test } from "node:test";
import { assertEquals, assertMatch } from "#std/assert";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { BrokerServer } from "../support/brokers.ts";
import { requires } from "../support/requires.ts";
import { type Runtime, runtimes } from "../support/runtimes.ts";
import { Program, startDemo } from "./program.ts";
import { Visitor } from "./visitor.ts";

const [ADA, EVE, GRACE] = ["ada's key ".repeat(3), "eve's key ".repeat(3), "grace's key ".repeat(3)] as const;

/** How many messages and notices the room keeps, and how many messages the file. */
const KEPT = 300;
const KEPT_IN_FILE = 200;

/** Some processes of the demo, each with a file of its own. */
class Demos {
  readonly #broker: BrokerServer | undefined;
  readonly #folder = mkdtempSync(join(tmpdir(), "sluice-chat-history-"));
  readonly #programs: Program[] = [];
  readonly #visitors: Visitor[] = [];
  readonly #urls: string[] = [];

  constructor(broker?: BrokerServer) {
    this.#broker = broker;
  }

  /** Starts one; with a number, that one again, on the same port and with the same file. */
  async start(runtime: Runtime, number = this.#programs.length): Promise<void> {
    const port = this.#urls[number] === undefined ? [] : ["--port", new URL(this.#urls[number]).port];
    const broker = this.#broker === undefined ? [] : ["--broker", this.#broker.url];
    const file = join(this.#folder, `${number}.sqlite`);
    const { program, url } = await startDemo(runtime, ["--history", file, ...port, ...broker]);
    this.#programs[number] = program;
    this.#urls[number] = url;
  }

  /** Ends one as a crash would. */
  async kill(number: number): Promise<void> {
    await this.#programs[number]!.stop("SIGKILL");
  }

  /** Comes in. */
  async enter(number: number, name: string, key: string, since?: unknown): Promise<Visitor> {
    const visitor = new Visitor(this.#urls[number]!);
    this.#visitors.push(visitor);
    while (await visitor.enter(name, key, since) !== "welcome");
    return visitor;
  }

  async close(): Promise<void> {
    for (const { socket } of this.#visitors) socket.terminate();
    for (const program of this.#programs) await program.stop("SIGKILL");
    await this.#broker?.stop();
    rmSync(this.#folder, { recursive: true });
  }
}

/** Says something to all, as the demo's page does. */
async function say(visitor: Visitor, ...texts: readonly string[]): Promise<void> {
  for (const text of texts) await visitor.send({ text });
  await visitor.hears(texts.at(-1)!);
}

function numbered(from: number, to: number): string[] {
  return Array.from({ length: to - from + 1 }, (_, i) => `message ${from + i}`);
}

for (const runtime of runtimes) {
  test(`the chat's history on ${runtime}: a page that comes back gets what it missed, in order`, async () => {
    const demos = new Demos();
    try {
      await demos.start(runtime);
      const ada = await demos.enter(0, "Ada", ADA);
      await say(ada, "one");
      const grace = await demos.enter(0, "Grace", GRACE);
      await grace.hears("Grace joined");
      assertEquals(grace.heard, ["Ada joined", "one", "Grace joined"]);
      const { position } = grace;
      grace.socket.terminate();
      await ada.hears("Grace left");
      await say(ada, "two", "three");
      const again = await demos.enter(0, "Grace", GRACE, position);
      const { recovered, missed } = await again.isTold("back");
      await again.hears("Grace joined");
      assertEquals([recovered, missed], [true, 0]);
      assertEquals(again.heard, ["Grace left", "two", "three", "Grace joined"]);
      await ada.until(() => ada.heard.length === 3 + again.heard.length);
      assertEquals(ada.heard, ["Ada joined", "one", "Grace joined", ...again.heard]);

      // Only so much is kept; what is not is counted.
      again.socket.terminate();
      await ada.until(() => ada.heard.filter((text) => text === "Grace left").length === 2);
      await say(ada, ...numbered(1, KEPT + 10));
      const late = await demos.enter(0, "Grace", GRACE, position);
      const told = await late.isTold("back");
      assertEquals(told.recovered, false);
      // Kept are the last 300 of 319, up to her coming back; she had three.
      assertEquals(told.missed, 16);
      await late.hears("Grace joined");
      assertEquals(late.heard, [...numbered(12, KEPT + 10), "Grace joined"]);
    } finally {
      await demos.close();
    }
  });

  test(`the chat's history on ${runtime}: a server that starts again begins it with its file`, async () => {
    const demos = new Demos();
    try {
      await demos.start(runtime);
      const ada = await demos.enter(0, "Ada", ADA);
      await say(ada, ...numbered(1, KEPT_IN_FILE + 5));
      const { position } = ada;
      await demos.kill(0);
      await demos.start(runtime, 0);
      const kept = numbered(6, KEPT_IN_FILE + 5);
      const again = await demos.enter(0, "Ada", ADA, position);
      const told = await again.isTold("back");
      assertEquals([told.recovered, told.missed], [false, undefined]);
      await again.hears("Ada joined");
      assertEquals(again.heard, [...kept, "Ada joined"]);
      const newcomer = await demos.enter(0, "Eve", EVE);
      await newcomer.hears("Eve joined");
      assertEquals(newcomer.heard, [...kept, "Ada joined", "Eve joined"]);
      assertEquals(newcomer.told.filter(({ type }) => type === "back"), []);
    } finally {
      await demos.close();
    }
  });
}

test("the chat's history: a position that is none brings all of it, and costs nobody the connection", async () => {
  const demos = new Demos();
  try {
    await demos.start("node");
    await say(await demos.enter(0, "Ada", ADA), "one");
    const wrong = [0, "oldest", [], {}, { epoch: "a" }, { epoch: 1, offset: 1 }, { epoch: "a", offset: -1 }];
    for (const [i, since] of [...wrong, { epoch: "a", offset: 1.5 }].entries()) {
      const visitor = await demos.enter(0, `Eve ${i}`, `${i}`, since);
      await visitor.hears(`Eve ${i} joined`);
      assertEquals(visitor.heard.slice(0, 2), ["Ada joined", "one"]);
    }
  } finally {
    await demos.close();
  }
});

for (const [name, ...pair] of [["redis", "node", "bun"], ["nats", "deno", "node"]] as const) {
  const places = `on ${pair.join(" and ")} with ${name}`;

  test(`the chat's history ${places}: it is one, and a process that starts later has it`, {
    ...requires(`${name}-server`),
  }, async () => {
    const demos = new Demos(await BrokerServer.start(name));
    try {
      await demos.start(pair[0]);
      const ada = await demos.enter(0, "Ada", ADA);
      await say(ada, "one", "two");
      await demos.start(pair[1]);
      const grace = await demos.enter(1, "Grace", GRACE);
      await grace.hears("Grace joined");
      assertEquals(grace.heard, ["Ada joined", "one", "two", "Grace joined"]);
      const { position } = grace;
      grace.socket.terminate();
      await ada.hears("Grace left");
      await say(ada, "three");

      // She comes back to the other process.
      const again = await demos.enter(0, "Grace", GRACE, position);
      const told = await again.isTold("back");
      assertEquals([told.recovered, told.missed], [true, 0]);
      await again.hears("Grace joined");
      assertEquals(again.heard, ["Grace left", "three", "Grace joined"]);
      const more = ["Ada joined", "one", "two", "Grace joined", ...again.heard];
      await ada.until(() => ada.heard.length === more.length);
      assertEquals(ada.heard, more);

      // All processes are gone for a moment: the broker has kept it, and nobody begins it again.
      await say(again, "four");
      for (const i of [0, 1]) await demos.kill(i);
      for (const i of [0, 1]) await demos.start(pair[i]!, i);
      const back = await demos.enter(1, "Ada", ADA, ada.position);
      assertEquals((await back.isTold("back")).missed, 0);
      const newcomer = await demos.enter(1, "Eve", EVE);
      await newcomer.hears("Eve joined");
      const said = newcomer.told.filter(({ type }) => type === "message").map(({ text }) => text);
      assertEquals(said, ["one", "two", "three", "four"]);
    } finally {
      await demos.close();
    }
  });

  test(`the chat's history ${places}: while the broker is away people are told that nothing gets through`, {
    ...requires(`${name}-server`),
  }, async () => {
    const broker = await BrokerServer.start(name);
    const demos = new Demos(broker);
    try {
      await demos.start(pair[0]);
      const [ada, grace] = [await demos.enter(0, "Ada", ADA), await demos.enter(0, "Grace", GRACE)];
      await say(ada, "before");
      await broker.kill();
      assertEquals((await ada.isTold("broker")).away, true);
      await ada.send({ text: "to nobody" });
      assertEquals((await ada.isTold("unsent")).text, "to nobody");
      // Who is here still reads what was said, and one person alone hears the other.
      await ada.send({ text: "/to Grace between us" });
      await grace.isTold("direct");
      const eve = await demos.enter(0, "Eve", EVE);
      await eve.isTold("broker");
      await eve.hears("before");

      await broker.resume();
      await ada.until(() => ada.told.some(({ type, away }) => type === "broker" && away === false));
      await say(ada, "after");
      await grace.hears("after");
      for (const { heard } of [ada, grace, eve]) assertEquals(heard.includes("to nobody"), false);

      // A broker that does not answer is no better: nobody knows what becomes of what is said.
      broker.freeze();
      await ada.send({ text: "into the void" });
      assertEquals((await ada.isTold("unsure")).text, "into the void");
      broker.thaw();
    } finally {
      broker.thaw();
      await demos.close();
    }
  });
}

test("a demo whose NATS keeps no history says so, and ends with 1", requires("nats-server"), async () => {
  // JetStream is for accounts that have it.
  const config = 'accounts { A { users: [{ user: "a", password: "a" }] } }\nno_auth_user: "a"\n';
  const broker = await BrokerServer.start("nats", { config });
  try {
    for (const runtime of runtimes) {
      const program = new Program(runtime, `demo/${runtime}.ts`, ["--port", "0", "--broker", broker.url]);
      assertEquals(await program.exited, { code: 1, signal: null });
      assertMatch(program.output, /nats-server -js/);
    }
  } finally {
    await broker.stop();
  }
});
