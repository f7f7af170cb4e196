import { assertEquals, assertThrows } from "#std/assert";
import { test } from "node:test";
import { WebSocketError } from "../../lib/errors.ts";
import { type Frame, Opcode } from "../../lib/protocol/frame.ts";
import { MessageAssembler } from "../../lib/protocol/message_assembler.ts";
import { fromHex } from "../vectors/hex.ts";

function frame(opcode: Opcode, hex: string, fin = true): Frame {
  return { fin, rsv1: false, opcode, payload: fromHex(hex) };
}

const part = (opcode: Opcode, hex: string): Frame => frame(opcode, hex, false);

function faultOf(
  frames: readonly Frame[],
  options?: { maxMessageSize?: number },
): [at: number, code: string] {
  const assembler = new MessageAssembler(options);
  for (const [i, frame] of frames.entries()) {
    try {
      assembler.add(frame);
    } catch (error) {
      if (!(error instanceof WebSocketError)) throw error;
      return [i, error.code];
    }
  }
  return [-1, "none"];
}

test("an unfragmented binary message is the frame's payload itself", () => {
  const binary = frame(Opcode.Binary, "010203");
  assertEquals(new MessageAssembler().add(binary) === binary.payload, true);
});

test("fragments are copied: their bytes may be overwritten", () => {
  const assembler = new MessageAssembler();
  const first = part(Opcode.Binary, "0102");
  assertEquals(assembler.add(first), undefined);
  first.payload.fill(0xff);
  assertEquals(assembler.add(frame(Opcode.Continuation, "03")), fromHex("010203"));
});

test("it knows whether a message is under way", () => {
  const assembler = new MessageAssembler();
  const states = [assembler.fragmented];
  assembler.add(frame(Opcode.Text, "61"));
  states.push(assembler.fragmented);
  assembler.add(part(Opcode.Text, ""));
  states.push(assembler.fragmented);
  assembler.add(part(Opcode.Continuation, "61"));
  states.push(assembler.fragmented);
  assembler.add(frame(Opcode.Continuation, ""));
  states.push(assembler.fragmented);
  assertEquals(states, [false, false, true, true, false]);
});

test("messages in a row do not mix: a binary behind a text is not decoded, and the reverse", () => {
  const assembler = new MessageAssembler();
  const messages = [
    part(Opcode.Text, "61"),
    frame(Opcode.Continuation, "62"),
    part(Opcode.Binary, "ff"),
    frame(Opcode.Continuation, "fe"),
    part(Opcode.Text, "e2"),
    frame(Opcode.Continuation, "82ac"),
    frame(Opcode.Binary, ""),
    frame(Opcode.Text, ""),
  ].map((frame) => assembler.add(frame)).filter((message) => message !== undefined);
  assertEquals(messages, ["ab", fromHex("fffe"), "€", new Uint8Array(0), ""]);
});

for (
  const [name, frames, expected] of [
    ["a continuation first", [frame(Opcode.Continuation, "61")], [0, "unexpected-continuation"]],
    ["an unfinished continuation first", [part(Opcode.Continuation, "61")], [0, "unexpected-continuation"]],
    [
      "a continuation behind a message",
      [frame(Opcode.Text, "61"), frame(Opcode.Continuation, "61")],
      [1, "unexpected-continuation"],
    ],
    [
      "a whole text inside a message",
      [part(Opcode.Text, "61"), frame(Opcode.Text, "61")],
      [1, "expected-continuation"],
    ],
    [
      "an unfinished binary inside a message",
      [part(Opcode.Text, "61"), part(Opcode.Binary, "61")],
      [1, "expected-continuation"],
    ],
    ["bad text", [frame(Opcode.Text, "ff")], [0, "invalid-utf8"]],
    ["bad text in a first fragment", [part(Opcode.Text, "61ff")], [0, "invalid-utf8"]],
    [
      "a code point that a fragment spoils",
      [part(Opcode.Text, "e2"), part(Opcode.Continuation, "61")],
      [1, "invalid-utf8"],
    ],
    [
      "a code point that is not finished",
      [part(Opcode.Text, "e282"), part(Opcode.Continuation, ""), frame(Opcode.Continuation, "")],
      [2, "invalid-utf8"],
    ],
  ] as const
) {
  test(`${name} fails with ${expected[1]}, at once`, () => {
    assertEquals(faultOf(frames), [...expected]);
  });
}

for (const fin of [true, false]) {
  test(`RSV1 on ${fin ? "a whole message" : "a first fragment"} is refused where there is no decompressor`, () => {
    for (const opcode of [Opcode.Text, Opcode.Binary] as const) {
      assertEquals(faultOf([{ fin, rsv1: true, opcode, payload: fromHex("00") }]), [0, "reserved-bit"]);
    }
  });
}

for (const opcode of [Opcode.Text, Opcode.Binary]) {
  test(`the limit holds for opcode ${opcode}, in one frame and in the sum of fragments`, () => {
    const limit = { maxMessageSize: 4 };
    assertEquals(faultOf([frame(opcode, "61*4"), frame(opcode, "61*5")], limit), [1, "message-too-big"]);
    const fragments = [part(opcode, "61*2"), part(Opcode.Continuation, "61*2")];
    assertEquals(faultOf([...fragments, frame(Opcode.Continuation, "")], limit), [-1, "none"]);
    assertEquals(faultOf([...fragments, part(Opcode.Continuation, "61")], limit), [2, "message-too-big"]);
    assertEquals(faultOf([part(opcode, "61*5")], limit), [0, "message-too-big"]);
  });
}

test("a limit is for each message, not for all", () => {
  const message = [part(Opcode.Binary, "61*3"), frame(Opcode.Continuation, "61")];
  assertEquals(faultOf([...message, ...message, ...message], { maxMessageSize: 4 }), [-1, "none"]);
});

test("a message of many one-byte fragments is held in two bytes for each at most", () => {
  const assembler = new MessageAssembler();
  assembler.add(part(Opcode.Binary, ""));
  for (let i = 0; i < 100_000; i++) assembler.add(part(Opcode.Continuation, "61"));
  const message = assembler.add(frame(Opcode.Continuation, "")) as Uint8Array;
  assertEquals(message.length, 100_000);
  assertEquals(message.buffer.byteLength <= 200_000, true);
});

test("the error of bad text keeps nothing that would be sent to the peer", () => {
  const error = assertThrows(() => new MessageAssembler().add(frame(Opcode.Text, "ff")), WebSocketError);
  assertEquals([error.closeCode, error.reason], [1007, ""]);
});
