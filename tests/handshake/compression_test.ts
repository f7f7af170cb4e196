import { assert, assertEquals, assertThrows } from "#std/assert";
import { test } from "node:test";
import { zlibCodec } from "../../lib/adapters/zlib/codec.ts";
import { Compression, type CompressionOptions, type DeflateCodec } from "../../lib/handshake/compression.ts";
import { parseExtensions } from "../../lib/handshake/extensions.ts";
import { inflatePart } from "../adapters/codec.ts";

/** A codec that writes down what it is asked for. */
function recorder(): { codec: DeflateCodec; made: object[] } {
  const made: object[] = [];
  const codec: DeflateCodec = {
    inflater: (options) => (made.push({ inflater: options }), zlibCodec.inflater(options)),
    deflater: (options) => (made.push({ deflater: options }), zlibCodec.deflater(options)),
  };
  return { codec, made };
}

const read = (options: CompressionOptions = {}, codec?: DeflateCodec): Compression =>
  Compression.read(options, codec ?? zlibCodec)!;

test("compression is off unless asked for, with a codec or without", () => {
  for (const codec of [undefined, zlibCodec]) {
    assertEquals([Compression.read(undefined, codec), Compression.read(false, codec)], [
      undefined,
      undefined,
    ]);
  }
});

test("compression without a codec is a TypeError, and wrong options are before that", () => {
  assertThrows(() => Compression.read(true, undefined), TypeError, "it needs a codec");
  assertThrows(() => Compression.read({}, undefined), TypeError, "it needs a codec");
  assertThrows(() => Compression.read({ level: 10 }, undefined), RangeError, "Cannot set compression.level");
  assertThrows(() => Compression.read(null as never, zlibCodec), TypeError, "Cannot set compression");
});

test("the user's codec goes before the runtime's", () => {
  const [theirs, ours] = [recorder(), recorder()];
  read({ codec: ours.codec }, theirs.codec).accept(parseExtensions("permessage-deflate")!)!.start();
  assertEquals([ours.made.length, theirs.made.length], [2, 0]);
  read({}, theirs.codec).accept(parseExtensions("permessage-deflate")!)!.start();
  assertEquals([ours.made.length, theirs.made.length], [2, 2]);
});

test("compressors are made with what was agreed on, when the connection begins and not before", () => {
  const { codec, made } = recorder();
  const compression = read({ windowBits: 13, level: 7, memLevel: 8, contextTakeover: true, codec });
  const offer = "permessage-deflate; client_max_window_bits=11; server_max_window_bits=10";
  const agreed = compression.accept(parseExtensions(offer)!)!;
  assertEquals(made, []);
  const { threshold, optional } = agreed.start();
  assertEquals(made, [
    { inflater: { windowBits: 11, takeover: true } },
    { deflater: { windowBits: 10, takeover: true, level: 7, memLevel: 8 } },
  ]);
  assertEquals([threshold, optional], [256, false]);
  assertEquals(agreed.header, "permessage-deflate; server_max_window_bits=10; client_max_window_bits=11");
});

test("a client makes of the server's answer the other end of the same", () => {
  const { codec, made } = recorder();
  const compression = read({ threshold: 9, codec });
  const header = "permessage-deflate; server_no_context_takeover; client_no_context_takeover";
  const agreed = compression.confirm(`${header}; client_max_window_bits=10`)!;
  const { threshold, optional } = agreed.start();
  assertEquals(made, [
    { inflater: { windowBits: 15, takeover: false } },
    { deflater: { windowBits: 10, takeover: false, level: 1, memLevel: 5 } },
  ]);
  assertEquals([threshold, optional], [9, true]);
  assertEquals([compression.confirm("foo"), compression.confirm("permessage-deflate;")], [
    undefined,
    undefined,
  ]);
});

test("a client that is allowed a window of 256 bytes, which zlib does not have, sends uncompressed", () => {
  const { codec, made } = recorder();
  const { deflater } = read({ codec }).confirm("permessage-deflate; client_max_window_bits=8")!.start();
  assertEquals([deflater, made.length], [undefined, 1]);
});

test("prepared messages are shared by connections that compress alike, and by those alone", () => {
  const profileOf = (options: CompressionOptions, offer = "permessage-deflate"): string =>
    read(options).accept(parseExtensions(offer)!)!.start().profile;
  assertEquals(profileOf({}), profileOf({}));
  const others = [
    profileOf({}),
    profileOf({ windowBits: 13 }),
    profileOf({}, "permessage-deflate; server_max_window_bits=10"),
    profileOf({ level: 2 }),
    profileOf({ memLevel: 2 }),
    profileOf({ threshold: 2 }),
  ];
  assertEquals(new Set(others).size, others.length);
});

test("what a client offers, a server accepts, and the client confirms", () => {
  for (const contextTakeover of [false, true, { server: true }, { client: true }]) {
    for (const windowBits of [9, 12, 15]) {
      const [server, client] = [read({ contextTakeover, windowBits }), read({ contextTakeover, windowBits })];
      const accepted = server.accept(parseExtensions(client.offer)!);
      assert(accepted !== undefined);
      const confirmed = client.confirm(accepted.header);
      assert(confirmed !== undefined);
      const [down, up] = [accepted.start(), confirmed.start()];
      for (const [from, to] of [[down, up], [up, down]] as const) {
        const payload = from.deflater!.deflate(new TextEncoder().encode("Hello")).slice();
        let text = "";
        inflatePart(to.inflater, payload, (bytes) => text += new TextDecoder().decode(bytes));
        to.inflater.end();
        assertEquals(text, "Hello");
      }
    }
  }
});
