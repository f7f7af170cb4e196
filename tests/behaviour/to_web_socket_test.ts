import { test } from "node:test";
import { assert, assertEquals, assertThrows } from "#std/assert";
import {
  toWebSocket,
  type WebSocketCloseEvent,
  type WebSocketConnection,
  type WebSocketLike,
} from "../../mod.ts";
import { makeCloseEvent } from "../../lib/connection/close_event.ts";
import { receive, receiveAll, serving, settlesInTime, sleep, until } from "../support/serving.ts";

/** Runs a test with a face on the server's side of a connection, and the client; all events are in `events`. */
async function facing(
  test: (
    face: WebSocketLike,
    client: WebSocketConnection,
    events: Event[],
    socket: WebSocketConnection,
  ) => Promise<void>,
  options: Parameters<typeof serving>[0] = {},
): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<[WebSocketLike, Event[], WebSocketConnection]>();
  await serving(options, (socket) => {
    const face = toWebSocket(socket);
    const events: Event[] = [];
    for (const name of ["open", "message", "error", "close"]) {
      face.addEventListener(name, (e) => events.push(e));
    }
    resolve([face, events, socket]);
    return socket.closed;
  }, async ({ open }) => {
    const client = await open();
    const [face, events, socket] = await promise;
    await until(() => events.length > 0);
    await test(face, client, events, socket);
  });
}

const named = (events: readonly Event[]) => events.map(({ type }) => type);
const dataOf = (event: Event | undefined) => (event as MessageEvent).data;

/** Waits for the face's end, and returns what its `close` event tells. */
async function ended(face: WebSocketLike, events: readonly Event[]): Promise<unknown[]> {
  await until(() => face.readyState === face.CLOSED);
  const { code, reason, wasClean } = events.at(-1) as WebSocketCloseEvent;
  return [...named(events.slice(-2)), code, reason, wasClean];
}

test("toWebSocket connects first, then opens, once its listeners can be there", async () => {
  const states: unknown[] = [];
  await serving({ protocols: ["chat"] }, (socket) => {
    const face = toWebSocket(socket, { url: "ws://localhost/chat" });
    states.push(
      face.readyState,
      face.url,
      face.protocol,
      face.extensions,
      face.binaryType,
    );
    assertEquals(assertThrows(() => face.send("early"), DOMException).name, "InvalidStateError");
    face.onopen = () => {
      states.push(face.readyState);
      face.send("Hello");
    };
    return socket.closed;
  }, async ({ open }) => {
    const client = await open({ protocols: ["chat"] });
    assertEquals(await receive(client), "Hello");
    assertEquals(states, [0, "ws://localhost/chat", "chat", "", "blob", 1]);
  });
});

test("toWebSocket has the constants of the standard", () =>
  facing((face) => {
    assertEquals([face.CONNECTING, face.OPEN, face.CLOSING, face.CLOSED], [0, 1, 2, 3]);
    assert(face instanceof EventTarget);
    return Promise.resolve();
  }));

test("toWebSocket hands on texts, and bytes as Blob or ArrayBuffer", () =>
  facing(async (face, client, events) => {
    const bytes = new Uint8Array(70_000).map((_, i) => i);
    const short = Uint8Array.of(1, 2, 3);
    client.send("Grüße");
    client.send(bytes);
    await until(() => events.length === 3);
    face.binaryType = "arraybuffer";
    face.binaryType = "nodebuffer" as "blob"; // no such value: the last one holds
    assertEquals(face.binaryType, "arraybuffer");
    client.send(bytes);
    client.send(short);
    await until(() => events.length === 5);
    assertEquals(named(events), ["open", "message", "message", "message", "message"]);
    const [text, blob, large, small] = events.slice(1).map(dataOf);
    assertEquals(text, "Grüße");
    assert(blob instanceof Blob);
    assertEquals(new Uint8Array(await blob.arrayBuffer()), bytes);
    assert(large instanceof ArrayBuffer && small instanceof ArrayBuffer);
    assertEquals([new Uint8Array(large), new Uint8Array(small)], [bytes, short]);
  }));

test("toWebSocket sends texts, bytes, Blobs and what can be made a text, in order", () =>
  facing(async (face, client) => {
    const view = Uint8Array.of(0, 1, 2, 3);
    face.send("one");
    face.send(view.subarray(1, 3));
    face.send(new Blob(["two"]));
    assert(face.bufferedAmount >= 3);
    face.send(view.buffer);
    view.fill(9); // ours again
    face.send("Ü");
    face.send(4 as unknown as string);
    face.close();
    assertEquals(face.readyState, 2);
    const messages = await receiveAll(client);
    assertEquals(messages.map((message) => typeof message === "string" ? message : [...message]), [
      "one",
      [1, 2],
      [116, 119, 111],
      [0, 1, 2, 3],
      "Ü",
      "4",
    ]);
  }));

test("toWebSocket holds nothing back once its Blobs are sent", () =>
  facing(async (face, client, _, socket) => {
    face.send(new Blob(["blob"]));
    await receive(client);
    await until(() => face.bufferedAmount === 0);
    face.send("at once");
    socket.send("behind");
    assertEquals([await receive(client), await receive(client)], ["at once", "behind"]);
  }));

test("toWebSocket ends with an error when a Blob cannot be read", () =>
  facing(async (face, _, events) => {
    const blob = new Blob(["lost"]);
    blob.arrayBuffer = () => Promise.reject(new Error("Its file is gone"));
    face.send(blob);
    assertEquals(await ended(face, events), ["error", "close", 1006, "", false]);
  }));

test("toWebSocket hands nothing on once it is closing", () =>
  facing(async (face, client, events) => {
    face.onmessage = () => face.close();
    client.send("one");
    client.send("two");
    assertEquals((await client.closed).closeCode, 1000);
    await until(() => face.readyState === face.CLOSED);
    assertEquals(named(events), ["open", "message", "close"]);
  }));

test("toWebSocket calls one handler of each kind, in the place of the first, until there is none", () =>
  facing(async (face, client) => {
    const calls: string[] = [];
    face.onmessage = () => calls.push("first");
    face.addEventListener("message", () => calls.push("listener"));
    face.onmessage = function (this: unknown) {
      calls.push(this === face ? "second" : "no this");
    } as () => void;
    assertEquals(typeof face.onmessage, "function");
    await client.send("a");
    await until(() => calls.length === 2);
    face.onmessage = null;
    face.onerror = "no object" as unknown as null;
    assertEquals([face.onmessage, face.onerror, face.onopen, face.onclose], [null, null, null, null]);
    await client.send("b");
    await until(() => calls.length === 3);
    face.onmessage = () => calls.push("third"); // behind the listener now
    await client.send("c");
    await until(() => calls.length === 5);
    assertEquals(calls, ["second", "listener", "listener", "listener", "third"]);
  }));

test("toWebSocket closes with code and reason, and is closed when the peer has answered", () =>
  facing(async (face, client, events) => {
    face.close(4001, "enough");
    assertEquals(face.readyState, face.CLOSING);
    face.close(4002); // is none any more
    assertEquals(await client.closed, { closeCode: 4001, reason: "enough" });
    assertEquals(await ended(face, events), ["open", "close", 4001, "enough", true]);
    const before = face.bufferedAmount;
    face.send("12345");
    face.send(new Uint8Array(3));
    face.close();
    await sleep(10);
    assertEquals([face.bufferedAmount - before, face.readyState], [8, face.CLOSED]);
  }));

test("toWebSocket tells of the peer's Close behind the messages before it", () =>
  facing(async (face, client, events) => {
    client.send("last");
    client.close({ closeCode: 3000, reason: "bye" });
    assertEquals(await ended(face, events), ["message", "close", 3000, "bye", true]);
  }));

test("toWebSocket tells of a lost connection with error, then close with 1006", () =>
  facing(async (face, client, events) => {
    client.abort();
    assertEquals(await ended(face, events), ["error", "close", 1006, "", false]);
  }));

test("toWebSocket tells of a message that is too big in the same way", () =>
  facing(async (face, client, events) => {
    client.send("x".repeat(2000));
    assertEquals(await ended(face, events), ["error", "close", 1006, "", false]);
    assertEquals(await client.closed.then(({ closeCode }) => closeCode), 1009);
  }, { maxMessageSize: 1000 }));

test("toWebSocket refuses the codes and reasons that the standard refuses", () =>
  facing((face) => {
    for (const code of [0, 999, 1001, 1005, 1006, 1011, 2999, 5000, NaN]) {
      assertEquals(assertThrows(() => face.close(code), DOMException).name, "InvalidAccessError");
    }
    assertEquals(assertThrows(() => face.close(1000, "ü".repeat(62)), DOMException).name, "SyntaxError");
    assertEquals(face.readyState, face.OPEN);
    return Promise.resolve();
  }));

test("toWebSocket that is closed before it opened never does, and drops what comes", async () => {
  const events: string[] = [];
  await serving({}, (socket) => {
    const face = toWebSocket(socket);
    for (const name of ["open", "message", "close"]) face.addEventListener(name, () => events.push(name));
    face.close(4000);
    return socket.closed;
  }, async ({ open }) => {
    const client = await open();
    client.send("late").catch(() => {});
    assertEquals((await client.closed).closeCode, 4000);
    await until(() => events.length > 0);
    assertEquals(events, ["close"]);
  });
});

test("toWebSocket reads on while a listener is at work: the interface has no backpressure", () =>
  facing(async (face, client, events) => {
    face.onmessage = () => new Promise(() => {});
    const chunk = "x".repeat(65_536);
    for (let i = 0; i < 64; i++) assert(await settlesInTime(client.send(chunk), 5_000));
    await until(() => events.length === 65);
  }));

test("the event of a closing is a CloseEvent where the runtime has one", () => {
  const event = makeCloseEvent({ code: 1006, reason: "", wasClean: false });
  assertEquals([event.type, event.code, event.reason, event.wasClean], ["close", 1006, "", false]);
  const { CloseEvent = Event } = globalThis as { CloseEvent?: typeof Event };
  assert(event instanceof CloseEvent);
});

/** Runs a chain of microtasks, as a listener that awaits does. */
async function awaitOften(times: number): Promise<void> {
  for (let i = 0; i < times; i++) await undefined;
}

test("toWebSocket runs all microtasks of an event's listeners before the next event", () =>
  facing(async (face, client) => {
    const notes: string[] = [];
    for (const name of ["message", "close"]) {
      face.addEventListener(name, async (event) => {
        const what = name === "message" ? String(dataOf(event)) : name;
        notes.push(what);
        await awaitOften(50);
        notes.push(`after ${what}`);
      });
    }
    // They come in one packet, and then one by one.
    for (const word of ["a", "b", "c"]) client.send(word);
    await until(() => notes.includes("after c"));
    await client.send("d");
    await until(() => notes.includes("after d"));
    client.send("e");
    client.close();
    await until(() => notes.includes("after close"));
    const words = ["a", "b", "c", "d", "e", "close"];
    assertEquals(notes, words.flatMap((word) => [word, `after ${word}`]));
  }));

test("toWebSocket opens in a task: whatever was awaited before may still add a listener", async () => {
  const events: string[] = [];
  await serving({}, async (socket) => {
    const face = toWebSocket(socket);
    await awaitOften(50);
    face.addEventListener("open", () => {
      events.push("open");
      awaitOften(50).then(() => events.push("after open"));
    });
    face.addEventListener("message", () => events.push("message"));
    await socket.closed;
  }, async ({ open }) => {
    const client = await open();
    await client.send("early");
    await until(() => events.length === 3);
    assertEquals(events, ["open", "after open", "message"]);
  });
});

test("toWebSocket sends what is neither bytes nor a Blob as the text that String() makes of it", () =>
  facing(async (face, client) => {
    const values: unknown[] = [null, undefined, true, 1.5, {}, [1, 2], { toString: () => "own" }, () => 7];
    for (const value of values) face.send(value as string);
    assertThrows(() => face.send(Symbol("none") as unknown as string), TypeError);
    face.close();
    assertEquals(await receiveAll(client), values.map(String));
  }));

test("toWebSocket converts a code and a reason before anything changes", async () => {
  const calls: (readonly [unknown, unknown, number, string])[] = [
    ["3000", undefined, 3000, ""],
    [3000.5, null, 3000, "null"],
    [{ valueOf: () => 4000 }, 12, 4000, "12"],
    [undefined, { toString: () => "own" }, 1000, "own"],
  ];
  for (const [code, reason, closeCode, words] of calls) {
    await facing(async (face, client) => {
      for (const [wrong, why] of [[1n, ""], [Symbol("code"), ""], [3000, Symbol("reason")]]) {
        assertThrows(() => face.close(wrong as number, why as string), TypeError);
      }
      assertThrows(() => face.close("none" as unknown as number), DOMException);
      assertEquals(face.readyState, face.OPEN);
      face.close(code as number, reason as string);
      assertEquals(await client.closed, { closeCode, reason: words });
    });
  }
});

test("toWebSocket tells in each message where it is from, if it knows", async () => {
  const origins: string[] = [];
  for (const url of ["ws://example.com:8080/chat?x", new URL("wss://example.com/"), "", "/chat"]) {
    await serving({}, (socket) => {
      toWebSocket(socket, { url }).onmessage = ({ origin }) => origins.push(origin);
      return socket.closed;
    }, async ({ open }) => {
      const client = await open();
      client.send("where?");
      const { length } = origins;
      await until(() => origins.length > length);
    });
  }
  assertEquals(origins, ["ws://example.com:8080", "wss://example.com", "", ""]);
});

test("toWebSocket keeps any object as a handler, and calls it if it is a function", () =>
  facing(async (face, client, events) => {
    const object = {};
    face.onmessage = object as unknown as null;
    assertEquals(face.onmessage === object, true);
    client.send("a");
    await until(() => named(events).includes("message"));
    let calls = 0;
    face.onmessage = () => calls++;
    client.send("b");
    await until(() => calls === 1);
    for (const nothing of [null, undefined, 1, "text", Symbol("none")]) {
      face.onmessage = object as unknown as null;
      face.onmessage = nothing as unknown as null;
      assertEquals(face.onmessage, null);
    }
  }));
