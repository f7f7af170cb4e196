/**
 * Exceptions that nobody expected: memory runs out, the library is wrong. Each is the end of one connection.
 *
 * @module
 */

import { test } from "node:test";
import { assertEquals, assertInstanceOf, assertRejects } from "#std/assert";
import { FrameDecoder } from "../../lib/protocol/frame_decoder.ts";
import { SendBuffer } from "../../lib/protocol/send_buffer.ts";
import { Opcode } from "../../lib/protocol/frame.ts";
import { type IncomingMessage, WebSocketError } from "../../mod.ts";
import { echo, receive, serving } from "../support/serving.ts";
import { clientFrame, Wire } from "../support/wire.ts";

/** Replaces a method for the length of a test; `replace` gets the one there was. */
async function patched<T extends object, K extends keyof T>(
  prototype: T,
  name: K,
  replace: (original: T[K]) => T[K],
  test: () => Promise<void>,
): Promise<void> {
  const original = prototype[name];
  prototype[name] = replace(original);
  try {
    await test();
  } finally {
    prototype[name] = original;
  }
}

/** What `onError` was told of: the stage, the error, what caused it. */
function listener() {
  const heard: [stage: string, code: unknown, cause: unknown][] = [];
  const onError = (error: unknown, { stage }: { stage: string }) => {
    assertInstanceOf(error, WebSocketError);
    heard.push([stage, error.code, error.cause]);
  };
  return { heard, onError };
}

const boom = new RangeError("Array buffer allocation failed");

/** Makes the decoder throw at the text "boom" from a client. */
const failingDecoder = (original: FrameDecoder["next"]): FrameDecoder["next"] =>
  function (this: FrameDecoder) {
    const frame = original.call(this);
    if (frame?.opcode === Opcode.Text && `${frame.payload}` === "98,111,111,109") throw boom;
    return frame;
  };

test("an exception in what a client sends ends that connection with 1011, and onError is told", async () => {
  const { heard, onError } = listener();
  const ends: unknown[] = [];
  await serving({ onError }, async (socket) => {
    socket.closed.catch((error) => ends.push(error.code));
    await echo(socket);
  }, ({ port, open }) =>
    patched(FrameDecoder.prototype, "next", failingDecoder, async () => {
      const other = await open();
      const wire = await Wire.upgrade(port);
      wire.send(clientFrame(Opcode.Text, "fine"));
      assertEquals(new TextDecoder().decode((await wire.frame()).payload), "fine");
      wire.send(clientFrame(Opcode.Text, "boom"));
      assertEquals(await wire.closeCode(), 1011);
      assertEquals(await wire.ended, "end");
      wire.destroy();
      await other.send("still here");
      assertEquals(await receive(other), "still here");
      assertEquals({ heard, ends }, { heard: [["connection", "internal", boom]], ends: ["internal"] });
    }));
});

test("an exception in the turn after one that was too short ends that connection alone", async () => {
  const { heard, onError } = listener();
  await serving(
    { onError },
    echo,
    ({ port, open }) =>
      patched(FrameDecoder.prototype, "next", failingDecoder, async () => {
        const other = await open();
        const wire = await Wire.upgrade(port);
        const pongs = Array.from({ length: 600 }, () => [...clientFrame(Opcode.Pong)]);
        wire.send(Uint8Array.from([...pongs.flat(), ...clientFrame(Opcode.Text, "boom")]));
        assertEquals(await wire.closeCode(), 1011);
        wire.destroy();
        await other.send("still here");
        assertEquals(await receive(other), "still here");
        assertEquals(heard, [["connection", "internal", boom]]);
      }),
  );
});

test("an exception in what is written ends that connection; those that are flushed with it are not affected", async () => {
  const { heard, onError } = listener();
  let armed = false;
  const failing = (original: SendBuffer["take"]): SendBuffer["take"] =>
    function (this: SendBuffer) {
      const bytes = original.call(this);
      if (armed && String.fromCharCode(...bytes).includes("boom")) throw boom;
      return bytes;
    };
  await serving({ onError }, async (socket, request) => {
    for await (const _ of socket) void socket.send(request.url.pathname === "/boom" ? "boom" : "fine");
  }, ({ url, open }) =>
    patched(SendBuffer.prototype, "take", failing, async () => {
      const { connect } = await import("../support/sluice.ts");
      const failing = await connect(`${url}boom`);
      const others = await Promise.all([open(), open(), open()]);
      armed = true;
      const answers = others.map((socket) => receive(socket));
      await Promise.all([failing, ...others].map((socket) => socket.send("go")));
      assertEquals(await Promise.all(answers), ["fine", "fine", "fine"]);
      assertEquals((await failing.closed).closeCode, 1011);
      assertEquals(heard, [["connection", "internal", boom]]);
    }));
});

for (
  const [how, decode] of [
    ["throw", () => {
      throw new TypeError("String is too long");
    }],
    ["are empty, as Bun's", () => ""],
  ] as [string, () => string][]
) {
  test(`a text is too big, and no fault of ours, where strings of its length ${how}`, async () => {
    const { heard, onError } = listener();
    const failing = (original: TextDecoder["decode"]): TextDecoder["decode"] =>
      function (this: TextDecoder, bytes, options) {
        if ((bytes as Uint8Array | undefined)?.[0] === 0x7e) return decode();
        return original.call(this, bytes, options);
      };
    await serving(
      { onError },
      echo,
      ({ port }) =>
        patched(TextDecoder.prototype, "decode", failing, async () => {
          const wire = await Wire.upgrade(port);
          wire.send(clientFrame(Opcode.Text, "~".repeat(1_000)));
          assertEquals(await wire.closeCode(), 1009);
          wire.destroy();
        }),
    );
    assertEquals(heard, []);
  });
}

test("a client's connection that meets an exception fails, and says what it was", async () => {
  await serving(
    { onError() {} },
    (socket) => receive(socket),
    ({ open }) =>
      patched(FrameDecoder.prototype, "next", () => () => {
        throw boom;
      }, async () => {
        const client = await open();
        await client.send("close");
        const error = await assertRejects(() => client.closed, WebSocketError);
        assertEquals([error.code, error.closeCode, error.cause], ["internal", 1011, boom]);
      }),
  );
});

test("units that a message does not fill fail its reader, and nothing else", async () => {
  let read: unknown;
  await serving({}, async (socket) => {
    const messages = socket.incoming()[Symbol.asyncIterator]() as AsyncIterator<IncomingMessage>;
    const odd = (await messages.next()).value as IncomingMessage;
    const reader = (odd.readable as ReadableStream<Uint8Array>).getReader({ mode: "byob" });
    const sizes: unknown[] = [];
    const error = await assertRejects(async () => {
      for (;;) sizes.push((await reader.read(new Int16Array(2))).value?.byteLength);
    }, TypeError);
    read = [sizes, error instanceof WebSocketError];
    await socket.send(await ((await messages.next()).value as IncomingMessage).text());
  }, async ({ open }) => {
    const client = await open();
    await client.send(new Uint8Array(7));
    await client.send("next");
    assertEquals(await receive(client), "next");
    assertEquals(read, [[4, 2], false]);
  });
});
