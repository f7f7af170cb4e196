import { after, before, test } from "node:test";
import { assert, assertEquals, assertMatch } from "#std/assert";
import type { Browser, Page } from "playwright-core";
import { BrokerServer } from "../support/brokers.ts";
import { requires } from "../support/requires.ts";
import type { Runtime } from "../support/runtimes.ts";
import { sleep } from "../support/serving.ts";
import { openBrowser, untilState, withPages } from "./browser.ts";
import {
  comeBack,
  enterChat,
  goAway,
  heard,
  logIn,
  nameDevice,
  noticed,
  people,
  say,
  sendFrom,
  untilVotes,
  vote,
} from "./people.ts";
import { Program, startDemo } from "./program.ts";

let browser: Browser | undefined;

before(async () => {
  browser = await openBrowser();
});

after(() => browser?.close());

/** What a test can do to what runs. */
interface Outages {
  readonly broker: BrokerServer;
  /** Kills the second process, and has it start again on its port after something was done. */
  readonly without: (meanwhile: () => Promise<void>) => Promise<void>;
}

/** Runs a test with two processes of the demo that share a broker. */
async function withTwo(
  name: "redis" | "nats",
  runtimes: readonly [Runtime, Runtime],
  test: (one: string, other: string, outages: Outages) => Promise<void>,
): Promise<void> {
  const broker = await BrokerServer.start(name);
  const programs: Program[] = [];
  try {
    const urls: string[] = [];
    for (const runtime of runtimes) {
      const { program, url } = await startDemo(runtime, ["--broker", broker.url]);
      programs.push(program);
      urls.push(url);
    }
    const without = async (meanwhile: () => Promise<void>) => {
      await programs[1]!.stop("SIGKILL");
      await meanwhile();
      const flags = ["--broker", broker.url, "--port", new URL(urls[1]!).port];
      programs[1] = (await startDemo(runtimes[1], flags)).program;
    };
    await test(urls[0]!, urls[1]!, { broker, without });
    for (const program of programs) assertEquals(await program.stop("SIGINT"), { code: 0, signal: null });
  } finally {
    for (const program of programs) await program.stop("SIGKILL");
    await broker.stop();
  }
}

/** Sends from a device, again and again, until a message is the first that waits; returns that. */
async function sendUntilKept(page: Page): Promise<string> {
  for (let i = 0;; i++) {
    const text = `later ${i}!`;
    await sendFrom(page, "a", text);
    const row = page.locator('[data-device="a"] .inbox li', { hasText: text }).first();
    if (await row.getAttribute("class") === "kept") {
      assertMatch(await row.textContent() ?? "", /1 of 5/);
      return text;
    }
    assert(i < 50, "the device is taken for present still");
    await sleep(100);
  }
}

const pairs = [["redis", "node", "bun"], ["nats", "deno", "node"]] as const;

for (const [name, ...runtimes] of pairs) {
  const { skip } = requires("chromium");
  const options = skip ? { skip } : requires(`${name}-server`);

  test(
    `chat on ${runtimes.join(" and ")} behind ${name}: one room`,
    options,
    () =>
      withTwo(
        name,
        runtimes,
        (one, other, { broker, without }) =>
          withPages(browser!, [`${one}chat`, `${other}chat`], async (ada, grace) => {
            await enterChat(ada, "Ada");
            await say(ada, "before Grace came");
            await heard(ada, "before Grace came");
            await enterChat(grace, "Grace");
            await heard(grace, "before Grace came"); // the broker has kept it
            assertEquals((await people(ada, 3)).sort(), ["Ada (you)", "Grace", "robot"]);
            assertEquals((await people(grace, 3)).sort(), ["Ada", "Grace (you)", "robot"]);
            await say(grace, "/to Ada across processes");
            await heard(ada, "across processes");
            await say(ada, "robot, hello");
            await heard(grace, "Hello Ada!");
            // Of the two robots one has answered.
            assertEquals(await grace.locator(".message .text", { hasText: "Hello Ada!" }).count(), 1);

            await without(async () => {
              await untilState(grace, "waiting");
              await say(ada, "while Grace was away");
              await heard(ada, "while Grace was away");
            });
            await noticed(grace, "Back again. 1 message came meanwhile.");
            await heard(grace, "while Grace was away");

            await broker.kill();
            await noticed(ada, "The broker is away.");
            await say(ada, "not lost");
            await noticed(ada, "Not sent.");
            assertEquals(await ada.inputValue("#text"), "not lost");
            await broker.resume();
            for (const page of [ada, grace]) await noticed(page, "The broker is back.");
            await ada.click("#send:enabled");
            await heard(grace, "not lost");
          }, ["ERR_CONNECTION_REFUSED", "ERR_CONNECTION_RESET"]),
      ),
  );

  if (name === "nats") continue; // groups are held to one contract over both
  test(
    `vote and devices on ${runtimes.join(" and ")} behind ${name}: one count`,
    options,
    () =>
      withTwo(name, runtimes, (one, other) =>
        withPages(
          browser!,
          [`${one}vote`, `${other}vote`, `${other}devices`],
          async (ada, grace, devices) => {
            await logIn(ada, "Ada");
            await logIn(grace, "Grace");
            await vote(ada, "Streams");
            await untilVotes(grace, "Streams", 1);
            await vote(grace, "Streams");
            for (const page of [ada, grace]) await untilVotes(page, "Streams", 2);

            // Written in one process, read in the other; and what has waited in one goes to where the device comes back.
            await nameDevice(devices, "a", "lamp", "door");
            await ada.goto(`${one}devices`);
            await untilState(ada, "open");
            await nameDevice(ada, "a", "door", "lamp");
            await sendFrom(devices, "a", "across");
            await ada.locator('[data-device="a"] .came', { hasText: "across" }).waitFor();
            await goAway(ada, "a");
            // What is sent before the other process knows that the device is away goes to nobody.
            const text = await sendUntilKept(devices);
            await comeBack(ada, "a");
            await ada.locator('[data-device="a"] .came', { hasText: text }).waitFor();
          },
        )),
  );
}

test("a demo that cannot reach its broker says so, and ends with 1", async () => {
  for (const url of ["redis://127.0.0.1:1", "nats://127.0.0.1:1"]) {
    const program = new Program("node", "demo/node.ts", ["--port", "0", "--broker", url]);
    assertEquals(await program.exited, { code: 1, signal: null });
    assertMatch(program.output, /Cannot reach the broker at/);
  }
});
