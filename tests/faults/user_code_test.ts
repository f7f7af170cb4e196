import { assertEquals } from "#std/assert";
import { Opcode } from "../../lib/protocol/frame.ts";
import { runtimes } from "../support/runtimes.ts";
import { settles, settlesInTime, sleep } from "../support/serving.ts";
import { clientFrame, UPGRADE, Wire } from "../support/wire.ts";
import { Lane, type Subject, upgradeAt, within } from "./faulty.ts";

/** What a client gets when the user's code fails: a status or a close code, and what `onError` hears. */
interface Row {
  readonly path: string;
  readonly headers?: string;
  readonly gets: number;
  readonly told: string;
}

const rows: Readonly<Record<string, Row>> = {
  "the handler throws": { path: "/throw", gets: 1011, told: "handler: thrown by the handler" },
  "the handler rejects": { path: "/reject", gets: 1011, told: "handler: rejected by the handler" },
  "authorize throws": { path: "/echo?authorize=throw", gets: 500, told: "authorize: thrown by authorize" },
  "authorize rejects": {
    path: "/echo?authorize=reject",
    gets: 500,
    told: "authorize: rejected by authorize",
  },
  "the chooser of protocols throws": {
    path: "/echo",
    headers: "Sec-WebSocket-Protocol: throw\r\n",
    gets: 500,
    told: "accept: thrown by protocols",
  },
  "the judge of origins throws": {
    path: "/echo",
    headers: "Origin: http://throw.test\r\n",
    gets: 500,
    told: "accept: thrown by origins",
  },
};

/** Each fault of `fetch`, and what `onError` hears. */
const pages: Readonly<Record<string, [status: number, told: string]>> = {
  "/throw": [500, "fetch: thrown by fetch"],
  "/reject": [500, "fetch: rejected by fetch"],
  "/nothing": [500, "fetch: Cannot answer request: fetch returned no Response"],
};

for (const runtime of runtimes) {
  const lane = new Lane(runtime);

  for (const deaf of [false, true]) {
    const name = `the user's functions throw${
      deaf ? ", and so does onError" : ""
    }: that connection alone is affected`;
    lane.test(name, [], (server) =>
      withBystander(server, async () => {
        for (const [what, { path, headers = "", gets, told }] of Object.entries(rows)) {
          const asked = deaf ? `${path}${path.includes("?") ? "&" : "?"}onerror=throw` : path;
          const before = (await server.report()).errors.length;
          for (let i = 0; i < 3; i++) {
            const wire = await Wire.open(server.port);
            wire.send(UPGRADE.replace("GET / ", `GET ${asked} `).replace("\r\n\r\n", `\r\n${headers}\r\n`));
            const status = Number((await wire.head()).split(" ")[1]);
            assertEquals(status === 101 ? await wire.closeCode() : status, gets, what);
            wire.destroy();
          }
          const { errors } = await server.report();
          assertEquals(errors.slice(before), [told, told, told], what);
        }
      }));
  }

  lane.test("fetch fails: that request alone is affected", [], (server) =>
    withBystander(server, async () => {
      for (const [path, [status]] of Object.entries(pages)) {
        assertEquals((await server.page(path)).status, status, path);
      }
      // It breaks behind the head of the response: all that can be done is to end it.
      await server.page("/broken");
      const { errors } = await server.report();
      for (const [, told] of Object.values(pages)) {
        assertEquals(errors.filter((text) => text === told), [told]);
      }
    }));

  lane.test(
    "a handler and an authorize that never settle hold back nobody else",
    [],
    (server) =>
      withBystander(server, async () => {
        const wire = await upgradeAt(server, "/never");
        const undecided = await Wire.open(server.port);
        undecided.send(UPGRADE.replace("GET / ", "GET /echo?authorize=never "));
        assertEquals(await settles(undecided.head(), 300), false);
        wire.send(clientFrame(Opcode.Close));
        assertEquals((await wire.frame()).opcode, Opcode.Close);
        wire.destroy();
        undecided.socket.resetAndDestroy();
        await within(2_000, async () => (await server.report()).connections, 1);
        await within(2_000, () => server.sockets(), 2);
      }),
  );

  lane.testOverTcpAndTls("onError throws at a peer that keepalive has given up: the server stays up", [
    "--keepalive=100,100",
  ], async (server) => {
    const wire = await upgradeAt(server, "/echo?onerror=throw");
    await within(2_000, async () => (await server.report()).settled, { "1006 keepalive-timeout": 1 });
    await sleep(50);
    assertEquals((await server.report()).errors.length, 1);
    wire.destroy();
  });
}

/** Runs something while another connection is echoed without a break. */
async function withBystander(server: Subject, run: () => Promise<void>): Promise<void> {
  const wire = await upgradeAt(server, "/echo");
  const over = Promise.withResolvers<void>();
  const echoing = (async () => {
    let count = 0;
    for (; !await settles(over.promise, 2); count++) {
      wire.send(clientFrame(Opcode.Text, `message ${count}`));
      assertEquals(new TextDecoder().decode((await wire.frame()).payload), `message ${count}`);
    }
    return count;
  })();
  await run().finally(over.resolve);
  assertEquals(await settlesInTime(echoing, 2_000), true, "the bystander is echoed no more");
  await echoing;
  wire.destroy();
}
