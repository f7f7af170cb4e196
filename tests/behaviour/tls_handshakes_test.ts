/**
 * TLS handshakes that never come to an end, on both sides: nothing is held longer than `handshakeTimeout`, or than the
 * server or the caller wants.
 *
 * @module
 */

import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync } from "node:fs";
import { connect as connectTcp, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import process from "node:process";
import { test } from "node:test";
import { assertEquals, assertLess, assertRejects } from "#std/assert";
import { HandshakeError } from "../../mod.ts";
import { makeCertificate } from "../support/certificate.ts";
import { requires } from "../support/requires.ts";
import { scripted } from "../support/scripted_server.ts";
import { echo, serving, sleep, until } from "../support/serving.ts";
import { connect } from "../support/sluice.ts";
import { slowdown } from "../support/patience.ts";

/** How many clients come. */
const CLIENTS = 60;
/** How long nothing may be left to. */
const AMPLE = 60_000;

/** What a client says at most: nothing, or the beginning of a ClientHello. */
const beginnings: Readonly<Record<string, Uint8Array>> = {
  "say nothing": new Uint8Array(0),
  "stop in the middle of their ClientHello": Uint8Array.of(0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3),
};

/** How many files the process has open: sockets among them. */
function descriptors(): number {
  return process.platform === "linux" ? readdirSync("/proc/self/fd").length : 0;
}

/** Opens sockets that say so much, and no more. */
async function openAll(port: number, beginning: Uint8Array): Promise<{ readonly gone: number }> {
  const count = { gone: 0 };
  const sockets = await Promise.all(Array.from({ length: CLIENTS }, () => openTcp(port)));
  for (const socket of sockets) {
    socket.on("error", () => {}).on("close", () => count.gone++).resume();
    if (beginning.length > 0) socket.write(beginning);
  }
  return count;
}

function openTcp(port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connectTcp(port, "127.0.0.1", () => resolve(socket)).once("error", reject);
  });
}

for (const [what, beginning] of Object.entries(beginnings)) {
  test(`TLS clients that ${what} are gone after handshakeTimeout`, requires("openssl"), () =>
    // A refusal would take closeTimeout on top, and there is nobody to refuse.
    serving(
      { tls: makeCertificate(), handshakeTimeout: 500, closeTimeout: AMPLE },
      echo,
      async ({ port }) => {
        const before = descriptors();
        const count = await openAll(port, beginning);
        await until(() => count.gone === CLIENTS);
        await until(() => descriptors() < before + CLIENTS / 2);
      },
    ));

  test(
    `TLS clients that ${what} are gone when the server is closed`,
    requires("openssl"),
    () =>
      serving({ tls: makeCertificate(), handshakeTimeout: AMPLE }, echo, async ({ port, server }) => {
        const before = descriptors();
        const count = await openAll(port, beginning);
        await sleep(100);
        await server.close();
        await until(() => count.gone === CLIENTS);
        await until(() => descriptors() < before + CLIENTS / 2);
      }),
  );
}

test(
  "handshakeTimeout counts from the TCP connection, the TLS handshake included",
  requires("openssl"),
  () =>
    serving({ tls: makeCertificate(), handshakeTimeout: 2_000 }, echo, async ({ port }) => {
      const due = sleep(2_000).then(() => performance.now());
      const socket = await openTcp(port);
      await sleep(1_400);
      const secured = connectTls({ socket, rejectUnauthorized: false });
      const head = await new Promise<string>((resolve, reject) => {
        secured.setEncoding("latin1").on("data", resolve).on("error", reject);
      });
      assertEquals(head.slice(0, 13), "HTTP/1.1 408 ");
      assertLess(performance.now() - await due, 1_000 * slowdown());
      secured.destroy();
    }),
);

// The client's side.

const ways: Readonly<Record<string, (url: string) => Promise<void>>> = {
  "its time-out": async (url) => {
    const error = await assertRejects(() => connect(url, { handshakeTimeout: 300 }), HandshakeError);
    assertEquals(error.code, "timeout");
  },
  "its signal": async (url) => {
    const controller = new AbortController();
    setTimeout(() => controller.abort(new Error("enough")), 300);
    const options = { signal: controller.signal, handshakeTimeout: AMPLE };
    await assertRejects(() => connect(url, options), Error, "enough");
  },
  "its signal, at once": async (url) => {
    const controller = new AbortController();
    const connecting = connect(url, { signal: controller.signal, handshakeTimeout: AMPLE });
    controller.abort(new Error("enough"));
    await assertRejects(() => connecting, Error, "enough");
  },
  "its signal, while the TLS handshake starts": async (url) => {
    // The moment differs from runtime to runtime: each of these is one.
    for (let time = 0; time < 12; time++) {
      const controller = new AbortController();
      const connecting = connect(url, { signal: controller.signal, handshakeTimeout: AMPLE });
      setTimeout(() => controller.abort(new Error("enough")), time);
      await assertRejects(() => connecting, Error, "enough");
    }
  },
};

for (const [way, giveUp] of Object.entries(ways)) {
  for (const scheme of ["ws", "wss"]) {
    test(`${scheme}: a client that gives up by ${way} frees its socket, the server saying nothing`, () =>
      // `scripted` fails where a socket stays.
      scripted(() => Promise.resolve(), (url) => giveUp(url.replace("ws:", `${scheme}:`))));
  }
}

/** Listens in a process that hangs: once its backlog is full, TCP handshakes with it never come to an end. */
const HANGING = `const server = require("node:net").createServer().listen(0, "127.0.0.1", 1, () => {
  console.log(server.address().port);
  setTimeout(() => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0), 50);
});`;

test("a client gives up on an address that never answers: by its time-out, or by its signal", async () => {
  const child = spawn("node", ["-e", HANGING], { stdio: ["ignore", "pipe", "inherit"] });
  const port = Number(String((await once(child.stdout, "data"))[0]));
  await sleep(150);
  const fill = Array.from({ length: 8 }, () => connectTcp(port, "127.0.0.1").on("error", () => {}));
  try {
    for (const scheme of ["ws", "wss"]) {
      const url = `${scheme}://127.0.0.1:${port}/`;
      for (const giveUp of Object.values(ways).slice(0, 3)) await giveUp(url);
    }
  } finally {
    child.kill("SIGKILL");
    for (const socket of fill) socket.destroy();
  }
});
