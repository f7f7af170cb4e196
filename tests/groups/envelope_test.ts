import { assertEquals } from "#std/assert";
import fc from "fast-check";
import { test } from "node:test";
import type { Address } from "../../lib/groups/audience.ts";
import { makeProcessId, seal, unseal } from "../../lib/groups/envelope.ts";
import { Groups, MemoryHub } from "../../lib/groups/mod.ts";
import { channelOf } from "../../lib/groups/names.ts";
import { check } from "../support/property.ts";
import { Member } from "./member.ts";

const [here, there] = [makeProcessId(), makeProcessId()];

function byteLengthOf(data: string | Uint8Array): number {
  return typeof data === "string" ? new TextEncoder().encode(data).length : data.length;
}

test("envelope: what is put in comes out elsewhere, and is known at home", () =>
  check(fc.property(fc.oneof(fc.string({ unit: "grapheme" }), fc.uint8Array()), (data) => {
    const envelope = seal({ from: here, number: 0xfedcba98 }, { data, byteLength: byteLengthOf(data) });
    assertEquals(unseal(envelope, there), { from: here, number: 0xfedcba98, data });
    assertEquals(unseal(envelope, here), "own");
    assertEquals(envelope.length, 25 + byteLengthOf(data));
  })));

test("envelope: any view of a buffer is the bytes that it shows", () => {
  const buffer = Uint8Array.of(0, 1, 2, 3, 4, 5, 6, 7).buffer;
  const wanted = { from: here, number: 1, data: Uint8Array.of(2, 3, 4, 5) };
  for (const view of [new DataView(buffer, 2, 4), new Uint16Array(buffer, 2, 2), buffer.slice(2, 6)]) {
    assertEquals(unseal(seal({ from: here, number: 1 }, { data: view, byteLength: 4 }), there), wanted);
  }
});

test("envelope: whom a message is for comes out as it was put in, and what is cut off there is malformed", () => {
  const address = { batch: 7, names: ["ann", "\ud800"], ids: ["0a.1"] };
  for (const data of ["grüße", Uint8Array.of(0, 255)]) {
    const message = { data, byteLength: byteLengthOf(data), address };
    const envelope = seal({ from: here, number: 1 }, message);
    assertEquals(unseal(envelope, there), { from: here, number: 1, data, address });
    for (let length = 0; length < envelope.length - message.byteLength; length++) {
      assertEquals(unseal(envelope.subarray(0, length), there), "malformed");
    }
  }
});

test("envelope: an address that is none is malformed", () => {
  const wrong: unknown[] = [{ batch: "7" }, { batch: 1.5 }, { names: "ann" }, { names: [1] }, { ids: {} }];
  for (const address of wrong) {
    const message = { data: "text", byteLength: 4, address: address as Address };
    assertEquals(unseal(seal({ from: here, number: 1 }, message), there), "malformed");
  }
});

test("envelope: one that is changed in its first five bytes, or cut, is malformed", () => {
  const envelope = seal({ from: here, number: 1 }, { data: "text", byteLength: 4 });
  for (let at = 0; at < 5; at++) {
    for (let bit = 1; bit < 256; bit <<= 1) {
      const changed = envelope.with(at, envelope[at]! ^ bit);
      // Binary in place of text is another message.
      if (changed[4] !== 2) assertEquals(unseal(changed, there), "malformed", `byte ${at}, bit ${bit}`);
    }
  }
  for (let length = 0; length < 25; length++) {
    assertEquals(unseal(envelope.subarray(0, length), there), "malformed");
  }
});

test("groups: of 100,000 random payloads none throws, and none is delivered", async () => {
  const hub = new MemoryHub();
  const groups = new Groups({ broker: hub.connect() });
  const member = new Member();
  await groups.join("room", member);
  const stranger = hub.connect();
  const random = crypto.getRandomValues(new Uint8Array(65_536));
  for (let i = 0; i < 100_000; i++) {
    const start = (i * 7_919) % 65_000;
    await stranger.publish(channelOf("group", "room"), random.subarray(start, start + i % 200));
  }
  assertEquals([member.received.length, groups.counts.malformed], [0, 100_000]);
  await groups.close();
});

test("names: different ones have different channels, of harmless characters", () =>
  check(
    fc.property(
      fc.string({ unit: "binary", maxLength: 8 }),
      fc.string({ unit: "binary", maxLength: 8 }),
      (a, b) => {
        const [one, other] = [channelOf("group", a), channelOf("group", b)];
        assertEquals(one === other, a === b);
        assertEquals(/^g-[\w=-]*$/.test(one), true);
        assertEquals(channelOf("member", a), one.replace("g", "m"));
      },
    ),
  ));
