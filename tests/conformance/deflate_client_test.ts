import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { type AddressInfo, createServer, type Server } from "node:net";
import process from "node:process";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { commandFor, type Runtime, runtimes } from "../support/runtimes.ts";
import { MAX_MESSAGE_SIZE, titleOf } from "./case.ts";
import { DEFLATE_CASES } from "./deflate_cases.ts";
import { playSeries } from "./deflate_harness.ts";
import { Outcomes } from "./outcomes.ts";
import { Peer } from "./peer.ts";

const SCRIPT = fileURLToPath(new URL("echo_client.ts", import.meta.url));

/** How many connections one client has at the same time. */
const LANES = 2;

const servers: Server[] = [];
const clients: ChildProcess[] = [];
const runs = new Map(runtimes.map((runtime) => [runtime, new Outcomes(DEFLATE_CASES.length)]));

before(async () => {
  process.on("exit", () => clients.forEach((client) => client.kill("SIGKILL")));
  for (const [runtime, outcomes] of runs) {
    const port = await serve(outcomes);
    runClient(runtime, port).then((end) => outcomes.abandon(end));
  }
});

after(() => {
  for (const client of clients) client.kill("SIGKILL");
  for (const server of servers) server.close();
});

for (const [runtime, outcomes] of runs) {
  DEFLATE_CASES.forEach((row, index) => test(`${runtime} client: ${titleOf(row)}`, () => outcomes.of(index)));
}

/** Listens for one client, and plays it the case that it asks for. */
async function serve(outcomes: Outcomes): Promise<number> {
  const server = createServer({ allowHalfOpen: true }, async (socket) => {
    const peer = new Peer(socket, "client");
    let index = -1;
    try {
      await peer.accept((target) => {
        index = Number(target.replace("/case?", ""));
        return DEFLATE_CASES[index]?.asClient;
      });
      const row = DEFLATE_CASES[index]!;
      await outcomes.settle(index, playSeries(row, peer, outcomes.limitOf(row)));
    } catch (error) {
      peer.destroy();
      // What asks for no case gets none: the client's end will tell.
      if (index in DEFLATE_CASES) await outcomes.settle(index, Promise.reject(error));
    }
  });
  servers.push(server);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return (server.address() as AddressInfo).port;
}

/** Runs a client to its end, and says what that was. */
async function runClient(runtime: Runtime, port: number): Promise<string> {
  const compressions = JSON.stringify(DEFLATE_CASES.map(({ asClient }) => asClient.options));
  const numbers = [port, DEFLATE_CASES.length, LANES, MAX_MESSAGE_SIZE];
  const [program, args] = commandFor(runtime, SCRIPT, [...numbers.map(String), compressions]);
  const client = spawn(program, args, {
    env: { ...process.env, NO_COLOR: "1" },
    stdio: ["ignore", "ignore", "pipe"],
  });
  clients.push(client);
  let errors = "";
  client.stderr.setEncoding("utf8").on("data", (text: string) => errors += text);
  try {
    const [code, signal] = await once(client, "close");
    return `the client on ${runtime} ended with ${
      signal ?? `exit code ${code}`
    } and left this case out: ${errors}`;
  } catch (error) {
    return `the client on ${runtime} did not start: ${error}`;
  }
}
