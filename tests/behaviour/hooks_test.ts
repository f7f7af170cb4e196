/**
 * Each function of the user's, in each way it can go wrong, with a client that stays or leaves meanwhile: what the client
 * gets, what `onError` is told, and that the next client is served.
 *
 * @module
 */
import { test } from "node:test";
import { assert, assertEquals } from "#std/assert";
import type { ServeOptions } from "../../lib/server/serve_options.ts";
import { serving, settles, until } from "../support/serving.ts";
import { clientClose, UPGRADE, Wire } from "../support/wire.ts";

const PAGE = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";

/** What a function of the user's does. */
type Way = "returns" | "throws" | "rejects" | "never settles" | "returns the wrong kind";

/** What a client gets: a status; or the code of the Close that follows a 101; or 101 and then nothing; or nothing at all. */
type Answer = number | "open" | "nothing";

interface Hook {
  /** What makes the server call it. */
  readonly request: string;
  /** The function as an option; the handler is none. */
  readonly option: (run: () => unknown) => ServeOptions<unknown>;
  /** What it returns where all is well. */
  readonly good: () => unknown;
  readonly wrong: () => unknown;
  /** What the client gets, and the stages that `onError` is told. */
  readonly expect: Readonly<Record<Way, readonly [answer: Answer, ...told: string[]]>>;
}

/** Functions stand where an option is typed otherwise: they are called with wrong results on purpose. */
const as = (options: object): ServeOptions<unknown> => options;

const hooks: Readonly<Record<string, Hook>> = {
  authorize: {
    request: UPGRADE,
    option: (run) => as({ authorize: run }),
    good: () => ({ user: "Ada" }),
    wrong: () => ({ status: 403 }),
    expect: {
      "returns": [1000],
      "throws": [500, "authorize"],
      "rejects": [500, "authorize"],
      "never settles": ["nothing"],
      "returns the wrong kind": [500, "authorize"],
    },
  },
  origins: {
    request: UPGRADE.replace("\r\n\r\n", "\r\nOrigin: https://example.com\r\n\r\n"),
    option: (run) => as({ origins: run }),
    good: () => true,
    wrong: () => "https://example.com",
    expect: {
      "returns": [1000],
      "throws": [500, "accept"],
      "rejects": [500, "accept"],
      "never settles": ["nothing"],
      "returns the wrong kind": [403],
    },
  },
  protocols: {
    request: UPGRADE.replace("\r\n\r\n", "\r\nSec-WebSocket-Protocol: chat\r\n\r\n"),
    option: (run) => as({ protocols: run }),
    good: () => "chat",
    wrong: () => ["chat"],
    expect: {
      "returns": [1000],
      "throws": [500, "accept"],
      // It has to choose at once: a promise is of the wrong kind.
      "rejects": [500, "accept"],
      "never settles": [500, "accept"],
      "returns the wrong kind": [500, "accept"],
    },
  },
  fetch: {
    request: PAGE,
    option: (run) => as({ fetch: run }),
    good: () => new Response("page"),
    wrong: () => "page",
    expect: {
      "returns": [200],
      "throws": [500, "fetch"],
      "rejects": [500, "fetch"],
      "never settles": ["nothing"],
      "returns the wrong kind": [500, "fetch"],
    },
  },
  handler: {
    request: UPGRADE,
    option: () => ({}),
    good: () => Promise.resolve(),
    wrong: () => 5,
    expect: {
      "returns": [1000],
      "throws": [1011, "handler"],
      "rejects": [1011, "handler"],
      "never settles": ["open"],
      "returns the wrong kind": [1000],
    },
  },
  onError: {
    request: UPGRADE,
    option: (run) =>
      as({
        authorize: () => Promise.reject(new Error("by authorize")),
        onError: run,
      }),
    good: () => {},
    wrong: () => 5,
    // Whatever it does, the client gets the same.
    expect: {
      "returns": [500],
      "throws": [500],
      "rejects": [500],
      "never settles": [500],
      "returns the wrong kind": [500],
    },
  },
};

const ways: Readonly<Record<Way, (hook: Hook) => unknown>> = {
  "returns": (hook) => hook.good(),
  "throws": () => {
    throw new Error("on purpose");
  },
  "rejects": () => Promise.reject(new Error("on purpose")),
  "never settles": () => new Promise(() => {}),
  "returns the wrong kind": (hook) => hook.wrong(),
};

const leavings: Readonly<Record<string, (wire: Wire) => void>> = {
  "by FIN": (wire) => void wire.socket.end(),
  "by a reset": (wire) => void wire.socket.resetAndDestroy(),
};

/** What a client gets; where nothing is expected, it is not waited for long. */
async function answerOf(wire: Wire, expected: Answer): Promise<Answer> {
  const patience = (answer: Answer) => expected === answer ? 100 : 20_000;
  const head = wire.head();
  head.catch(() => {});
  if (!await settles(head, patience("nothing"))) return "nothing";
  const status = Number((await head).split(" ")[1]);
  if (status !== 101) return status;
  const code = wire.closeCode();
  code.catch(() => {});
  return await settles(code, patience("open")) ? (await code)! : "open";
}

/** Runs a server whose hook goes one way for the first client, and is as it should be for all others. */
async function withHook(
  [name, hook, way]: [name: string, hook: Hook, way: Way],
  run: (serving: { port: number; called: () => number; told: string[] }) => Promise<void>,
): Promise<void> {
  let called = 0;
  const misbehave = () => ++called === 1 ? ways[way](hook) : hook.good();
  const told: string[] = [];
  const onError = (_: unknown, { stage }: { stage: string }) => told.push(stage);
  const options: ServeOptions<unknown> = {
    onError,
    maxConnections: 1,
    closeTimeout: 100,
    ...hook.option(misbehave),
  };
  const handler = name === "handler" ? misbehave : () => Promise.resolve();
  const print = console.error;
  if (name === "onError") console.error = () => {};
  try {
    await serving(options, handler as () => Promise<unknown>, async ({ port, server }) => {
      await run({ port, called: () => called, told });
      // The next one is served: nobody holds the only place.
      await until(() => server.connections.size === 0);
      const wire = await Wire.open(port);
      wire.send(hook.request);
      const [answer] = hook.expect.returns;
      assertEquals(await answerOf(wire, answer), answer, "the next client");
      wire.destroy();
    });
  } finally {
    console.error = print;
  }
}

for (const [name, hook] of Object.entries(hooks)) {
  for (const way of Object.keys(ways) as Way[]) {
    const [answer, ...stages] = hook.expect[way];

    test(`${name} ${way}: the client gets ${answer}, and the next one is served`, () =>
      withHook([name, hook, way], async ({ port, told, called }) => {
        const wire = await Wire.open(port);
        wire.send(hook.request);
        assertEquals(await answerOf(wire, answer), answer);
        assertEquals([called(), told], [1, stages]);
        // Those that wait for ever do so for a client that is there.
        if (answer === "open") wire.send(clientClose(1000));
        else wire.destroy();
        assert(await settles(wire.ended, 5_000), "the socket was not closed");
        wire.destroy();
      }));

    for (const [how, leave] of Object.entries(leavings)) {
      test(`${name} ${way}, and its client leaves ${how} meanwhile: the next one is served`, () =>
        withHook([name, hook, way], async ({ port, called, told }) => {
          const wire = await Wire.open(port);
          wire.send(hook.request);
          await until(() => called() === 1);
          leave(wire);
          assert(await settles(wire.ended, 5_000), "the socket was not closed");
          wire.destroy();
          assertEquals(told.filter((stage) => !stages.includes(stage)), []);
        }));
    }
  }
}
