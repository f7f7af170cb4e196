import { assertEquals, assertGreaterOrEqual } from "#std/assert";
import process from "node:process";
import { test } from "node:test";
import { makeRandom, SEED } from "../faults/random.ts";
import { type Certificate, makeCertificate } from "../support/certificate.ts";
import { requires } from "../support/requires.ts";
import { runtime } from "../support/sluice.ts";
import { type Canary, flyByHand, flyWithSluice } from "./canary_client.ts";
import { modes, startCanary, type Way } from "./canary_server.ts";

const LONG = process.env.SLUICE_LONG === "1" || process.env.SLUICE_SOAK === "1";

/** How many messages are sent in each way. */
const MESSAGES: Readonly<Record<Way, number>> = LONG
  ? { tcp: 600_000, tls: 200_000, upgrade: 200_000 }
  : { tcp: 2_000, tls: 400, upgrade: 600 };

/** How many connections there are at a time; as many letters as there are, so that each has its own. */
const ABREAST = 32;

async function fly(way: Way, certificate: Certificate | undefined): Promise<void> {
  const foreign: string[] = [];
  const onForeign = (where: string) => void foreign.push(where);
  const { port, stop } = await startCanary(way, certificate, onForeign);
  let sent = 0;
  // Deno's node:tls gets stuck when much goes both ways.
  const onlySluice = way === "tls" && runtime === "deno";
  /** One connection after the other, each with the same letter. */
  const flock = async (index: number) => {
    const random = makeRandom(SEED * 64 + index);
    while (sent < MESSAGES[way] && foreign.length === 0) {
      const canary: Canary = {
        ...{ way, port, random, onForeign },
        letter: 0x41 + index,
        mode: random() < 0.2 ? "late" : modes[Math.floor(random() * modes.length)]!,
        count: 1 + Math.floor(random() * 25),
        compression: random() < 0.3,
        resets: random() < 0.15,
      };
      const sluice = index % 4 === 3 || onlySluice;
      const count = await (sluice ? flyWithSluice(canary, certificate?.cert) : flyByHand(canary));
      sent += count;
    }
  };
  try {
    await Promise.all(Array.from({ length: ABREAST }, (_, index) => flock(index)));
  } finally {
    await stop();
  }
  assertEquals(foreign.slice(0, 5), [], `with SLUICE_SEED=${SEED}`);
  assertGreaterOrEqual(sent, MESSAGES[way]);
}

const timeout = LONG ? 3_600_000 : 300_000;

test("each connection gets its own bytes only, over TCP", { timeout }, () => fly("tcp", undefined));

test(
  "each connection gets its own bytes only, over TLS",
  { ...requires("openssl"), timeout },
  () => fly("tls", makeCertificate()),
);

test(
  "each connection gets its own bytes only, over upgrades of node:http",
  { timeout },
  () => fly("upgrade", undefined),
);
