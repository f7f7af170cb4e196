/**
 * Messages in as many pieces as they have bytes: each piece must cost the same, however many came before.
 *
 * @module
 */

import { test } from "node:test";
import { Endpoint } from "../../lib/protocol/endpoint.ts";
import { Opcode } from "../../lib/protocol/frame.ts";
import { assertLinear } from "../support/linear.ts";
import { clientFrame } from "../support/wire.ts";

const SIZE = 16_384;
const MAX = 1_048_576;

function server(): Endpoint {
  return new Endpoint({ role: "server", maxMessageSize: MAX, maxEmptyFragments: MAX });
}

function feed(endpoint: Endpoint, bytes: Uint8Array): void {
  endpoint.startTurn();
  endpoint.receive(bytes);
  endpoint.next();
}

const fragment = clientFrame(Opcode.Continuation, "x", false);
const empty = clientFrame(Opcode.Continuation, "", false);

const works: Readonly<Record<string, (size: number) => void>> = {
  "a frame in chunks of a byte": (size) => {
    const endpoint = server();
    for (const byte of clientFrame(Opcode.Binary, new Uint8Array(size))) feed(endpoint, Uint8Array.of(byte));
  },
  "a text in chunks of a byte": (size) => {
    const endpoint = server();
    for (const byte of clientFrame(Opcode.Text, "é".repeat(size / 2))) feed(endpoint, Uint8Array.of(byte));
  },
  "a message in fragments of a byte": (size) => {
    const endpoint = server();
    feed(endpoint, clientFrame(Opcode.Binary, "x", false));
    for (let i = 0; i < size; i++) feed(endpoint, fragment.slice());
  },
  "a message in empty fragments": (size) => {
    const endpoint = server();
    feed(endpoint, clientFrame(Opcode.Binary, "x", false));
    for (let i = 0; i < size; i++) feed(endpoint, empty.slice());
  },
};

for (const [what, work] of Object.entries(works)) {
  test(`twice as much of ${what} takes twice the time`, () => assertLinear(work, SIZE));
}
