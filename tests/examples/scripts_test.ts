import { test } from "node:test";
import { assert, assertEquals } from "#std/assert";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { WebSocket } from "ws";
import { type Runtime, runtimes } from "../support/runtimes.ts";
import { Program } from "./program.ts";

/** Runs a test with a program, which does not outlive it. */
async function running(
  runtime: Runtime,
  script: string,
  args: readonly string[],
  test: (program: Program) => Promise<void>,
): Promise<void> {
  const program = new Program(runtime, script, args);
  try {
    await test(program);
  } finally {
    await program.stop("SIGKILL");
  }
}

/** Connects, sends a message and returns what comes back; leaves the connection open. */
async function echo(url: string, message: string): Promise<{ socket: WebSocket; answer: string }> {
  const socket = new WebSocket(url);
  await once(socket, "open");
  const answer = once(socket, "message");
  socket.send(message);
  return { socket, answer: String((await answer)[0]) };
}

for (const runtime of runtimes) {
  const script = `${runtime}_server.ts`;

  test(`${script} has 25 lines at most`, () => {
    const text = readFileSync(new URL(`../../examples/${script}`, import.meta.url), "utf8");
    assert(text.trimEnd().split("\n").length <= 25);
  });

  test(`${script} echoes`, () =>
    running(runtime, script, ["0"], async (program) => {
      const { socket, answer } = await echo(await program.written(/(ws:\S+)/), "Hello!");
      assertEquals(answer, "Hello!");
      socket.terminate();
    }));

  test(`${script} tells its clients on Ctrl-C, and ends well`, () =>
    running(runtime, script, ["0"], async (program) => {
      const { socket } = await echo(await program.written(/(ws:\S+)/), "Hello!");
      const closed = once(socket, "close");
      assertEquals(await program.stop("SIGINT"), { code: 0, signal: null });
      assertEquals((await closed)[0], 1001);
    }));

  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    test(`the demo on ${runtime} tells its clients on ${signal}, and ends well`, () =>
      running(runtime, `demo/${runtime}.ts`, ["--port", "0"], async (program) => {
        const url = await program.written(/Sluice demo on (http:\S+)\n/);
        const { socket } = await echo(`${url.replace("http", "ws")}echo`, "Hello!");
        const closed = once(socket, "close");
        assertEquals(await program.stop(signal), { code: 0, signal: null });
        assertEquals((await closed)[0], 1001);
      }));
  }

  test(`the demo on ${runtime} says that its port is in use, and ends with 1`, async () => {
    const other = createServer().listen(0, "127.0.0.1");
    try {
      await once(other, "listening");
      const { port } = other.address() as AddressInfo;
      await running(runtime, `demo/${runtime}.ts`, ["--port", String(port)], async (program) => {
        assertEquals(await program.exited, { code: 1, signal: null });
        assert(program.output.startsWith(`Port ${port} is in use`), program.output);
      });
    } finally {
      other.close();
    }
  });

  test(`the demo on ${runtime} refuses flags that it cannot follow`, async () => {
    for (const args of [["--port", "65536"], ["--port", "http"], ["--prot", "1"], ["--broker", "http://x"]]) {
      await running(runtime, `demo/${runtime}.ts`, args, async (program) => {
        assertEquals(await program.exited, { code: 2, signal: null });
        assert(program.output.includes(args[0]!), program.output);
      });
    }
  });

  test(`the demo on ${runtime} refuses a WebSocket on a path that has none`, () =>
    running(runtime, `demo/${runtime}.ts`, ["--port", "0"], async (program) => {
      const url = await program.written(/Sluice demo on (http:\S+)\n/);
      const socket = new WebSocket(url.replace("http", "ws"));
      const [error] = await once(socket, "error").catch((error) => [error]);
      assertEquals((error as Error).message, "Unexpected server response: 404");
    }));
}
