/**
 * What `onRefused` is called with.
 *
 * @module
 */

import { test } from "node:test";
import { assertEquals, assertMatch } from "#std/assert";
import type { RefusedHandshake } from "../../lib/server/refused_handshake.ts";
import { echo, serving, until } from "../support/serving.ts";
import { UPGRADE, Wire } from "../support/wire.ts";

/** Requests that are refused, with the fault and the status of each. */
const requests: Readonly<Record<string, readonly [request: string, code: string, status: number]>> = {
  "a foreign origin": [
    UPGRADE.replace("\r\n\r\n", "\r\nOrigin: https://evil.example\r\n\r\n"),
    "origin",
    403,
  ],
  "a wrong head": ["GET / HTTP/1.1\r\nHost : x\r\n\r\n", "header-line", 400],
  "too many headers": [
    UPGRADE.replace("\r\n\r\n", `${"\r\nX: 1".repeat(200)}\r\n\r\n`),
    "too-many-headers",
    431,
  ],
  "no upgrade": ["GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", "not-an-upgrade", 426],
  "no key": [UPGRADE.replace(/Sec-WebSocket-Key.*\r\n/, ""), "key", 400],
  "silence": ["", "timeout", 408],
};

for (const [what, [request, code, status]] of Object.entries(requests)) {
  test(`onRefused is called for ${what} with ${code} and ${status}`, async () => {
    const told: RefusedHandshake[] = [];
    const options = {
      handshakeTimeout: 500,
      onRefused: (refused: RefusedHandshake) => void told.push(refused),
    };
    await serving(options, echo, async ({ port, open }) => {
      (await open()).close();
      const wire = await Wire.open(port);
      wire.send(request);
      assertEquals((await wire.head()).split(" ")[1], String(status));
      wire.destroy();
      assertEquals(told.map((refused) => [refused.error.code, refused.status]), [[code, status]]);
      assertEquals(told[0]!.remoteAddress?.hostname, "127.0.0.1");
      if (code === "origin") assertMatch(told[0]!.reason, /Origin: https:\/\/evil\.example, Host: localhost/);
    });
  });
}

test("an onRefused that fails is reported to onError with stage handshake", async () => {
  const stages: string[] = [];
  const onRefused = () => Promise.reject(new Error("on purpose"));
  await serving({ onRefused, onError: (_, { stage }) => stages.push(stage) }, echo, async ({ port }) => {
    const wire = await Wire.open(port);
    wire.send("nonsense\r\n\r\n");
    assertEquals((await wire.head()).split(" ")[1], "400");
    await until(() => stages.length === 1);
    assertEquals(stages, ["handshake"]);
    wire.destroy();
  });
});
