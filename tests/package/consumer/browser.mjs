// The core in a browser: two ends of a connection over a pair of streams in the page, and frames by themselves.

import {
  acceptStream,
  connectStream,
  FrameDecoderStream,
  FrameEncoderStream,
  Opcode,
} from "@sluice/websocket";

globalThis.tryConnection = async () => {
  const up = new TransformStream();
  const down = new TransformStream();
  const [client, server] = await Promise.all([
    connectStream({ readable: down.readable, writable: up.writable }, "ws://localhost/"),
    acceptStream({ readable: up.readable, writable: down.writable }),
  ]);
  const echoing = server.readable.pipeTo(server.writable);
  await client.send("Grüße");
  await client.send(new Uint8Array([1, 2, 3]));
  const echoed = [];
  for await (const message of client) {
    echoed.push(typeof message === "string" ? message : [...message]);
    if (echoed.length === 2) break;
  }
  client.close({ closeCode: 4001, reason: "seen" });
  const closed = await client.closed;
  await echoing;
  return { echoed, closed };
};

globalThis.tryFrames = async () => {
  const payload = new Uint8Array(66_000).map((_, i) => i);
  const frame = { fin: true, rsv1: false, opcode: Opcode.Binary, payload };
  const frames = new ReadableStream({
    start: (controller) => {
      controller.enqueue(frame);
      controller.close();
    },
  })
    .pipeThrough(new FrameEncoderStream({ role: "client" }))
    .pipeThrough(new FrameDecoderStream({ role: "server" }));
  for await (const { opcode, payload: decoded } of frames) {
    return {
      opcode,
      same: decoded.length === payload.length && decoded.every((byte, i) => byte === payload[i]),
    };
  }
};
