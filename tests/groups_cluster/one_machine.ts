/**
 * A parent and two children of its own that are in one group: `one_machine.ts processes` forks them, `threads` and
 * `broadcast` start worker threads. Prints what the second child received, what it was told of, and who it saw.
 *
 * @module
 */

import { fork } from "node:child_process";
import process from "node:process";
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";
import { broadcastChannelBroker } from "../../lib/groups/brokers/broadcast_channel.ts";
import { ipcBroker, IpcRelay } from "../../lib/groups/brokers/cluster_ipc.ts";
import { type Broker, Groups } from "../../lib/groups/mod.ts";
import { Member } from "../groups/member.ts";

const COUNT = 1_000;

/** What a child is told, and what it answers. */
type Word = "ready" | "publish" | {
  readonly inOrder: boolean;
  readonly count: number;
  readonly told: boolean;
  readonly names: string;
};

/** Joins; the second child answers when it has everything. */
async function runChild(
  broker: Broker,
  name: string,
  { say, hear }: { say: (word: Word) => void; hear: (listener: (word: unknown) => void) => void },
): Promise<void> {
  let told = false;
  const groups = new Groups({ broker, onStatus: ({ state }) => told ||= state === "interrupted" });
  const member = new Member();
  hear((word) => {
    if (word === "publish") { for (let i = 0; i < COUNT; i++) groups.publish("room", `${i}`); }
  });
  await groups.join("room", member, { as: name });
  say("ready");
  if (name === "one") return;
  const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
  for (let i = 0; i < 1_000 && !member.received.includes(`${COUNT - 1}`); i++) await sleep(10);
  let names = "";
  for (let i = 0; i < 500 && names !== "one,two"; i++) {
    names = (await groups.presence("room")).names.join();
    await sleep(10);
  }
  const numbers = member.received.map(Number);
  const inOrder = numbers.every((number, i) => i === 0 || number > numbers[i - 1]!);
  say({ inOrder, count: numbers.length, told, names });
}

/** Waits until both are ready, has the first publish, and prints what the second says. */
function direct(one: { send: (word: Word) => void }, end: () => void): (word: unknown) => void {
  let ready = 0;
  return (word) => {
    if (word === "ready") {
      if (++ready === 2) one.send("publish");
    } else if (typeof word === "object" && word !== null && "inOrder" in word) {
      console.log(JSON.stringify(word));
      end();
    }
  };
}

function forkChildren(): void {
  const relay = new IpcRelay();
  const children = ["one", "two"].map((name) => fork(new URL(import.meta.url), ["child", name]));
  for (const child of children) relay.add(child);
  const hear = direct(children[0]!, () => children.forEach((child) => child.kill()));
  for (const child of children) child.on("message", hear);
}

function startThreads(how: string): void {
  const relay = new IpcRelay();
  const threads = ["one", "two"].map((name) =>
    new Worker(new URL(import.meta.url), { workerData: { name, how } })
  );
  for (const thread of threads) relay.add(thread);
  const end = () => void Promise.all(threads.map((thread) => thread.terminate())).then(() => process.exit());
  const hear = direct({ send: (word) => threads[0]!.postMessage(word) }, end);
  for (const thread of threads) thread.on("message", hear);
}

const [role, name] = process.argv.slice(2);
if (!isMainThread) {
  const port = parentPort!;
  const { name, how } = workerData as { name: string; how: string };
  await runChild(
    how === "broadcast" ? broadcastChannelBroker({ name: "one-machine" }) : ipcBroker(port),
    name,
    {
      say: (word) => port.postMessage(word),
      hear: (listener) => void port.on("message", listener),
    },
  );
} else if (role === "child") {
  await runChild(ipcBroker(process), name!, {
    say: (word) => void process.send!(word),
    hear: (listener) => void process.on("message", listener),
  });
} else if (role === "processes") forkChildren();
else startThreads(role!);
