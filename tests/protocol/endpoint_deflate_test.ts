import { assert, assertEquals, assertLessOrEqual } from "#std/assert";
import fc from "fast-check";
import { test } from "node:test";
import { zlibCodec } from "../../lib/adapters/zlib/codec.ts";
import { WebSocketError } from "../../lib/errors.ts";
import type { Inflater } from "../../lib/protocol/deflate_codec.ts";
import { Endpoint, type EndpointDeflate, type EndpointEvent } from "../../lib/protocol/endpoint.ts";
import { type Frame, Opcode, type Role } from "../../lib/protocol/frame.ts";
import { isMessage, type Message } from "../../lib/protocol/message_assembler.ts";
import { EncodedMessage } from "../../lib/protocol/prepared_message.ts";
import { SendBuffer } from "../../lib/protocol/send_buffer.ts";
import { inflateAll, json, messageBytes, noise } from "../adapters/codec.ts";
import { eventsOf } from "../support/endpoint_events.ts";
import { check } from "../support/property.ts";
import { PAYLOAD_ROWS } from "../vectors/deflate_payloads.ts";
import { concat, fromHex, sameBytes, show, toHex } from "../vectors/hex.ts";
import { latin1, splitAt } from "../vectors/splits.ts";
import { decode, otherRole, showEvent, showFrame, startDeflate, wireTo } from "./replay.ts";

const ROLES: readonly Role[] = ["server", "client"];
const HELLO = "f248cdc9c90700";

function endpoint(
  role: Role,
  deflate: EndpointDeflate | undefined,
  maxMessageSize = 1_048_576,
): Endpoint {
  return new Endpoint({ role, maxMessageSize, maxEmptyFragments: 1_024, deflate });
}

function feed(endpoint: Endpoint, bytes: Uint8Array): EndpointEvent[] {
  endpoint.receive(bytes.slice());
  return [...eventsOf(endpoint)];
}

/** The frames that an endpoint of this role has to send. */
function sentFrames(endpoint: Endpoint, role: Role): Frame[] {
  const frames = decode([endpoint.output.take()], { role: otherRole(role), rsv1: true });
  assertEquals(frames.error, undefined);
  return [...frames];
}

/** The bytes of frames, as a peer of the given role is sent them. */
function wire(to: Role, frames: readonly Frame[]): Uint8Array {
  const buffer = new SendBuffer(otherRole(to));
  for (const frame of frames) buffer.frame(frame);
  return buffer.take();
}

/** A message in fragments: RSV1 is set on the first. */
function fragments(opcode: Opcode, parts: readonly Uint8Array[]): Frame[] {
  return parts.map((payload, i) => ({
    fin: i === parts.length - 1,
    rsv1: i === 0,
    opcode: i === 0 ? opcode : Opcode.Continuation,
    payload,
  }));
}

const first = ({ fin, rsv1, opcode }: Frame): string =>
  ((fin ? 0x80 : 0) | (rsv1 ? 0x40 : 0) | opcode).toString(16);

for (const role of ROLES) {
  for (const takeover of [false, true]) {
    const end = `a ${role} ${takeover ? "with" : "without"} takeover`;

    test(`${end} sends messages from the threshold on compressed, with RSV1, and shorter ones as they are`, () => {
      const ours = endpoint(role, startDeflate(takeover));
      const texts = ["a".repeat(255), "a".repeat(256), "é".repeat(127), "é".repeat(128), ""];
      for (const text of texts) ours.sendMessage(text);
      for (const text of texts) ours.sendMessage(new TextEncoder().encode(text));
      const frames = sentFrames(ours, role);
      assertEquals(frames.map(first), ["81", "c1", "81", "c1", "81", "82", "c2", "82", "c2", "82"]);
      const inflater = zlibCodec.inflater({ windowBits: 15, takeover });
      frames.forEach(({ rsv1, payload }, i) => {
        const text = new TextDecoder().decode(rsv1 ? inflateAll(inflater, [payload]) : payload);
        assertEquals(text, texts[i % texts.length]!);
        if (rsv1) assert(payload.length < 50);
      });
    });

    test(`${end} takes compressed messages whatever its own threshold is`, () => {
      const ours = endpoint(role, { ...startDeflate(takeover), threshold: Infinity });
      const frames = wireTo(role, `c1 07: ${HELLO}; 81 01: 61; c1 01: 00`);
      assertEquals(feed(ours, frames).map(showEvent), ['text "Hello"', 'text "a"', 'text ""']);
      ours.sendMessage("a".repeat(10_000));
      assertEquals(sentFrames(ours, role).map(first), ["81"]);
    });

    test(`${end} that cannot compress takes compressed messages, and sends its own as they are`, () => {
      const ours = endpoint(role, { ...startDeflate(takeover), deflater: undefined });
      assertEquals(feed(ours, wireTo(role, `c1 07: ${HELLO}`)).map(showEvent), ['text "Hello"']);
      ours.sendMessage("a".repeat(1_000));
      ours.sendMessage(new Uint8Array(1_000));
      assertEquals(sentFrames(ours, role).map(first), ["81", "82"]);
    });

    test(`${end} and a message that does not get smaller`, () => {
      const ours = endpoint(role, startDeflate(takeover));
      const random = noise(5_000, 1);
      ours.sendMessage(random);
      ours.sendMessage(json(5_000, 1));
      ours.sendMessage(random);
      const frames = sentFrames(ours, role);
      // A later message may refer to it, so it has to go through the peer's window.
      assertEquals(frames.map(first), takeover ? ["c2", "c2", "c2"] : ["82", "c2", "82"]);
      if (takeover) assert(frames[2]!.payload.length < 500, "the second time it refers to the first");
      else assert(sameBytes(frames[0]!.payload, random));
    });

    test(`${end} sends an empty message compressed as one byte where the threshold is 0`, () => {
      const ours = endpoint(role, { ...startDeflate(takeover), threshold: 0 });
      ours.sendMessage("");
      ours.sendMessage("a");
      ours.sendMessage(new Uint8Array(0));
      const [empty, , binary] = sentFrames(ours, role);
      // Where it may, it goes out as nothing at all, which is smaller.
      assertEquals([showFrame(empty!), showFrame(binary!)], takeover ? ["c1 00", "c2 00"] : ["81 ", "82 "]);
    });

    test(`${end} sends lone surrogates as U+FFFD, compressed too`, () => {
      const ours = endpoint(role, startDeflate(takeover));
      const peer = endpoint(otherRole(role), startDeflate(takeover));
      ours.sendMessage(`\ud800${"a".repeat(300)}\udc00`);
      const bytes = ours.output.take();
      assertEquals(feed(peer, bytes).map(showEvent), [
        `text ${JSON.stringify(`\ufffd${"a".repeat(300)}\ufffd`)}`,
      ]);
    });

    test(`${end} leaves the caller's bytes alone, and its control frames uncompressed`, () => {
      const ours = endpoint(role, { ...startDeflate(takeover), threshold: 0 });
      const message = json(2_000, 4);
      const before = message.slice();
      ours.sendMessage(message);
      ours.sendPing(fromHex("61*125"));
      ours.sendClose({ closeCode: 1000, reason: "a".repeat(100) });
      assertEquals(sentFrames(ours, role).map(first), ["c2", "89", "88"]);
      assert(sameBytes(message, before));
    });

    for (const row of PAYLOAD_ROWS.filter((row) => row.takeover === takeover)) {
      test(`${end} receives in fragments of any size: ${row.name} (${row.section})`, () => {
        for (const size of [1, 2, 7, 100_000]) {
          const ours = endpoint(role, startDeflate(takeover));
          for (const [hex, text] of row.messages) {
            const payload = fromHex(hex);
            const count = Math.max(1, Math.ceil(payload.length / size));
            const parts = Array.from(
              { length: count },
              (_, i) => payload.subarray(i * size, i * size + size),
            );
            const ping: Frame = { fin: true, rsv1: false, opcode: Opcode.Ping, payload: new Uint8Array(0) };
            const frames = fragments(Opcode.Binary, parts).flatMap((frame) => [frame, ping]);
            const events = feed(ours, wire(role, frames)).map(showEvent);
            if (text === undefined) {
              assertEquals(events, ["error invalid-deflate"]);
              assertEquals(showFrame(sentFrames(ours, role).at(-1)!), "88 03ef");
              break;
            }
            assertEquals(events, [`binary ${show(latin1(text))}`]);
            assertEquals(sentFrames(ours, role).length, frames.length / 2);
          }
        }
      });
    }
  }
}

test("the limit counts what a message becomes, to the byte, in any fragments and any cut", () => {
  const cuts = fc.array(fc.nat(400_000), { maxLength: 5 });
  const role = fc.constantFrom<Role>("server", "client");
  const property = fc.property(
    role,
    messageBytes,
    cuts,
    cuts,
    fc.boolean(),
    (role, message, places, cuts, takeover) => {
      const { deflater } = startDeflate(takeover);
      const payload = deflater!.deflate(message).slice();
      const bytes = wire(role, fragments(Opcode.Binary, splitAt(payload, places)));
      const play = (limit: number): string[] => {
        const ours = endpoint(role, startDeflate(takeover), limit);
        return splitAt(bytes, cuts).flatMap((chunk) => feed(ours, chunk)).map(showEvent);
      };
      assertEquals(play(message.length), [`binary ${show(message)}`]);
      if (message.length > 0) assertEquals(play(message.length - 1), ["error message-too-big"]);
    },
  );
  check(property, { numRuns: 60 });
});

for (const takeover of [false, true]) {
  const setting = `${takeover ? "with" : "without"} takeover`;

  test(`random bytes of just the limit pass, whatever compressed them, ${setting}`, () => {
    const size = 65_536;
    // The bytes from 144 on take 9 bits in the fixed code, the others 8.
    const worst = noise(size, 3).map((byte) => 144 + byte % 112);
    for (const level of [0, 1, 2, 6, 9]) {
      for (const memLevel of [1, 2, 5, 9]) {
        for (const windowBits of [9, 15]) {
          for (const message of [noise(size, 2), worst]) {
            const options = { windowBits, level, memLevel, takeover };
            const payload = zlibCodec.deflater(options).deflate(message).slice();
            const ours = endpoint("client", startDeflate(takeover), size);
            const [event] = feed(ours, wire("client", fragments(Opcode.Binary, [payload])));
            const outcome = event instanceof Uint8Array && sameBytes(event, message);
            assert(outcome, `${JSON.stringify(options)}: ${payload.length} bytes`);
          }
        }
      }
    }
  });

  test(`a bomb ends a connection once the limit is passed, ${setting}`, () => {
    const bomb = zlibCodec.deflater({ windowBits: 15, level: 9, memLevel: 9, takeover: false })
      .deflate(new Uint8Array(40_000_000)).slice();
    for (const role of ROLES) {
      for (const opcode of [Opcode.Text, Opcode.Binary] as const) {
        let out = 0;
        const inner = zlibCodec.inflater({ windowBits: 15, takeover });
        const counting: Inflater = {
          write: (part) => inner.write(part),
          read() {
            const bytes = inner.read();
            out += bytes?.length ?? 0;
            return bytes;
          },
          end: () => inner.end(),
          close: () => inner.close(),
        };
        const limit = 100_000;
        const ours = endpoint(role, { ...startDeflate(takeover), inflater: counting }, limit);
        const events = feed(ours, wire(role, fragments(opcode, [bomb]))).map(showEvent);
        assertEquals(events, ["error message-too-big"]);
        assertLessOrEqual(out, limit + 65_536);
        assertEquals(sentFrames(ours, role).map(showFrame), ["88 03f1"]);
      }
    }
  });

  test(`a connection that fails, closes or is lost in the middle of a message disturbs no other, ${setting}`, () => {
    const message = json(20_000, 8);
    const payload = startDeflate(takeover).deflater!.deflate(message).slice();
    const half = Math.floor(payload.length / 2);
    const bytes = wire("server", fragments(Opcode.Binary, [payload]));
    const ends = {
      fault: (other: Endpoint) => feed(other, wire("server", [])) && feed(other, wireTo("server", "83 00")),
      garbage: (other: Endpoint) => feed(other, wireTo("server", "00 04: ffffffff; 80 04: ffffffff")),
      "our Close": (other: Endpoint) => other.sendClose({ closeCode: 1000, reason: "" }),
      "their Close": (other: Endpoint) => feed(other, wireTo("server", "88 00")),
      loss: (other: Endpoint) => other.peerEnded(),
    };
    for (const [name, finish] of Object.entries(ends)) {
      const [good, other] = [
        endpoint("server", startDeflate(takeover)),
        endpoint("server", startDeflate(takeover)),
      ];
      assertEquals(feed(good, bytes.subarray(0, half)), []);
      assertEquals(feed(other, wireTo("server", `42 03: ${HELLO.slice(0, 6)}`)), []);
      finish(other);
      // Whoever begins now may get the decompressor that the other one had.
      const next = endpoint("server", startDeflate(takeover));
      assertEquals(feed(next, bytes.subarray(0, half)), []);
      feed(other, wireTo("server", "80 04: c9c90700"));
      other.peerEnded();
      for (const ours of [next, good]) {
        assertEquals(feed(ours, bytes.subarray(half)).map(showEvent), [`binary ${show(message)}`], name);
      }
    }
  });
}

for (const role of ROLES) {
  test(`a ${role} gives its decompressor back when no more messages can come, however that is`, () => {
    const ends: Record<string, (ours: Endpoint) => unknown> = {
      "a bad header": (ours) => feed(ours, wireTo(role, "83 00")),
      "a bad message": (ours) => feed(ours, wireTo(role, "80 01: 06")),
      "our Close": (ours) => ours.sendClose({ closeCode: 1000, reason: "" }),
      "their Close": (ours) => feed(ours, wireTo(role, "88 00")),
      "a lost connection": (ours) => ours.peerEnded(),
    };
    for (const [name, finish] of Object.entries(ends)) {
      const { inflater, ...deflate } = startDeflate(false);
      const calls: string[] = [];
      const watched: Inflater = {
        write: (part) => (calls.push("write"), inflater.write(part)),
        read: () => inflater.read(),
        end: () => (calls.push("end"), inflater.end()),
        close: () => (calls.push("close"), inflater.close()),
      };
      const ours = endpoint(role, { ...deflate, inflater: watched });
      feed(ours, wireTo(role, "42 01: f2"));
      finish(ours);
      feed(ours, wireTo(role, "00 02: 48cd; 80 04: c9c90700; c2 01: 00"));
      ours.peerEnded();
      assertEquals(calls.lastIndexOf("write") < calls.indexOf("close"), true, name);
    }
  });
}

test("property: text in compressed messages is taken or refused as the platform's decoder does, however it is cut", () => {
  const fatal = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  const bytes = fc.oneof(
    fc.string({ unit: "binary", maxLength: 60 }).map((text) => new TextEncoder().encode(text)),
    fc.uint8Array({ maxLength: 20 }),
    fc.tuple(fc.string({ unit: "binary", maxLength: 20 }), fc.uint8Array({ maxLength: 3 }))
      .map(([text, bytes]) => concat([new TextEncoder().encode(text), bytes])),
  );
  const cuts = fc.array(fc.nat(100), { maxLength: 5 });
  const property = fc.property(bytes, cuts, cuts, fc.boolean(), (bytes, places, cuts, takeover) => {
    let expected = "error invalid-utf8";
    try {
      expected = `text ${JSON.stringify(fatal.decode(bytes))}`;
    } catch {
      // As it is.
    }
    const payload = startDeflate(takeover).deflater!.deflate(bytes).slice();
    const frames = wire("client", fragments(Opcode.Text, splitAt(payload, places)));
    const ours = endpoint("client", startDeflate(takeover));
    const events = splitAt(frames, cuts).flatMap((chunk) => feed(ours, chunk)).map(showEvent);
    assertEquals(events, [expected]);
  });
  check(property, { numRuns: 500 });
});

/** One end of two in memory. */
class End {
  readonly endpoint: Endpoint;
  readonly sent: Message[] = [];
  readonly received: Message[] = [];
  readonly pongs: string[] = [];
  readonly pings: string[] = [];

  constructor(role: Role, deflate: EndpointDeflate) {
    this.endpoint = endpoint(role, deflate);
  }

  receive(chunk: Uint8Array): void {
    for (const event of feed(this.endpoint, chunk)) {
      if (isMessage(event)) this.received.push(event);
      else if (event.type === "pong") this.pongs.push(toHex(event.payload));
      else throw new Error(showEvent(event));
    }
  }
}

const bits = fc.integer({ min: 9, max: 15 });
const direction = fc.record({
  windowBits: bits,
  takeover: fc.boolean(),
  level: fc.constantFrom(0, 1, 6, 9),
  memLevel: fc.integer({ min: 1, max: 9 }),
  threshold: fc.constantFrom(0, 1, 256, 5_000),
});
const text = fc.oneof(
  fc.string({ unit: "binary", maxLength: 100 }),
  fc.tuple(fc.string({ unit: "grapheme", maxLength: 5 }), fc.nat(3_000)).map(([text, times]) =>
    text.repeat(times)
  ),
);
const act = fc.record({
  who: fc.nat(1),
  data: fc.oneof<fc.Arbitrary<Message | number>[]>(text, messageBytes, fc.nat(5)),
  prepared: fc.boolean(),
  cuts: fc.array(fc.nat(300_000), { maxLength: 3 }),
});

test("property: two ends back to back, in any combination of takeover and windows: what one sends the other receives", () => {
  const script = fc.array(act, { maxLength: 12 });
  const property = fc.property(direction, direction, script, (down, up, script) => {
    const deflate = (sending: typeof down, receiving: typeof down): EndpointDeflate => ({
      inflater: zlibCodec.inflater(receiving),
      deflater: zlibCodec.deflater(sending),
      threshold: sending.threshold,
      optional: !sending.takeover,
      profile: JSON.stringify(sending),
    });
    const ends = [new End("server", deflate(down, up)), new End("client", deflate(up, down))] as const;
    for (const { who, data, prepared, cuts } of script) {
      const [end, peer] = [ends[who]!, ends[1 - who]!];
      if (typeof data === "number") {
        end.endpoint.sendPing(new Uint8Array(data));
        end.pings.push("00".repeat(data));
      } else {
        end.sent.push(data);
        const message = new EncodedMessage(data as string);
        end.endpoint.sendMessage(prepared ? message : data);
        // Those who hear of it too do not disturb each other.
        if (prepared) {
          peer.sent.push(data);
          peer.endpoint.sendMessage(message);
        }
      }
      for (const chunk of splitAt(end.endpoint.output.take(), cuts)) peer.receive(chunk);
      end.receive(peer.endpoint.output.take());
    }
    for (const end of ends) {
      const peer = ends[1 - ends.indexOf(end)]!;
      assertEquals(end.received.length, peer.sent.length);
      end.received.forEach((message, i) => {
        const expected = peer.sent[i]!;
        if (typeof message === "string" || typeof expected === "string") assertEquals(message, expected);
        else if (!sameBytes(message, expected)) assertEquals(show(message), show(expected));
      });
    }
    ends[0].receive(ends[1].endpoint.output.take());
    ends[1].receive(ends[0].endpoint.output.take());
    for (const end of ends) assertEquals(end.pongs, end.pings);
  });
  check(property, { numRuns: 80 });
});

const violation = wire("server", [{
  fin: true,
  rsv1: false,
  opcode: 3 as Opcode,
  payload: new Uint8Array(0),
}]);
const theirClose = wire("server", [{
  fin: true,
  rsv1: false,
  opcode: Opcode.Close,
  payload: fromHex("03e8"),
}]);

/** Has an endpoint receive its peer's end, which then waits for its turn. */
function meet(endpoint: Endpoint, bytes: Uint8Array): void {
  endpoint.receive(bytes.slice());
  assertEquals(endpoint.next(), { type: "end" });
}

/** Every way to come to where no message can be sent any more; before the last step one can be. */
const lastSteps: Readonly<Record<string, readonly ((endpoint: Endpoint) => unknown)[]>> = {
  "our Close": [(endpoint) => endpoint.sendClose({ closeCode: 1000, reason: "" })],
  "the answer to their Close": [(endpoint) => meet(endpoint, theirClose), (endpoint) => endpoint.allRead()],
  "our Close when theirs waits": [
    (endpoint) => meet(endpoint, theirClose),
    (endpoint) => endpoint.sendClose({ closeCode: 1000, reason: "" }),
  ],
  "the answer to a fault": [(endpoint) => meet(endpoint, violation), (endpoint) => endpoint.allRead()],
  "a failure": [(endpoint) => endpoint.fail(new WebSocketError("internal"))],
  "the end of the stream": [(endpoint) => endpoint.peerEnded()],
  "a loss": [(endpoint) => endpoint.lost()],
  "a loss when their Close waits": [
    (endpoint) => meet(endpoint, theirClose),
    (endpoint) => endpoint.lost(),
  ],
  "an abort when their Close waits": [
    (endpoint) => meet(endpoint, theirClose),
    (endpoint) => endpoint.abort(),
  ],
};

for (const [what, steps] of Object.entries(lastSteps)) {
  test(`the compressor is closed with ${what}, and not before`, () => {
    let closed = 0;
    const deflate = startDeflate(true);
    const deflater = {
      deflate: deflate.deflater!.deflate.bind(deflate.deflater),
      close: () => void closed++,
    };
    const ours = endpoint("server", { ...deflate, deflater });
    for (const step of steps) {
      ours.sendMessage("a message");
      assertEquals([ours.canSend, closed], [true, 0]);
      step(ours);
    }
    assertEquals([ours.canSend, closed > 0], [false, true]);
  });
}

test("a prepared message is compressed once for all whose settings agree, and for each whose window is kept", () => {
  let count = 0;
  const make = (takeover: boolean, profile: string): Endpoint => {
    const deflate = startDeflate(takeover);
    const { deflater } = deflate;
    const counting = { deflate: (bytes: Uint8Array) => (count++, deflater!.deflate(bytes)) };
    return endpoint("server", { ...deflate, deflater: counting, profile });
  };
  const message = new EncodedMessage("a".repeat(1_000));
  const sent = (ours: Endpoint): string => {
    ours.sendMessage(message);
    return sentFrames(ours, "server").map(showFrame).join();
  };
  const [one, same, other] = [make(false, "x"), make(false, "x"), make(false, "y")];
  const lines = [sent(one), sent(same), sent(one)];
  assertEquals([new Set(lines).size, lines[0]!.slice(0, 2), count], [1, "c1", 1]);
  sent(other);
  assertEquals(count, 2);
  // What is kept is its own: the compressor's next payload does not overwrite it.
  other.sendMessage("b".repeat(2_000));
  other.output.take();
  assertEquals([sent(other), sent(same)], [lines[0]!, lines[0]!]);
  const kept = make(true, "x");
  const [first, second] = [sent(kept), sent(kept)];
  assertEquals(count, 5);
  assert(second.length < first.length, "the second refers to the first");
});

test("a prepared message goes out as it is where nothing is compressed, and where it is below the threshold", () => {
  const message = new EncodedMessage("a".repeat(1_000));
  const { deflater: _deflater, ...rest } = startDeflate(true);
  const settings = [
    undefined,
    { ...rest, deflater: undefined },
    { ...rest, deflater: undefined, optional: true },
    { ...startDeflate(true), threshold: 1_001 },
    { ...startDeflate(false), threshold: 1_001 },
  ];
  for (const deflate of settings) {
    const ours = endpoint("client", deflate);
    ours.sendMessage(message);
    ours.sendMessage(message);
    assertEquals(sentFrames(ours, "client").map(first), ["81", "81"]);
  }
});

test("a prepared message is of the bytes as they were when it was prepared", () => {
  const bytes = fromHex("61*1000");
  const message = new EncodedMessage(bytes);
  bytes.fill(0);
  for (const deflate of [undefined, startDeflate(false), startDeflate(true)]) {
    const [ours, peer] = [
      endpoint("server", deflate),
      endpoint("client", startDeflate(deflate?.optional === false)),
    ];
    ours.sendMessage(message);
    assertEquals(feed(peer, ours.output.take()).map(showEvent), [`binary ${show(fromHex("61*1000"))}`]);
  }
});
