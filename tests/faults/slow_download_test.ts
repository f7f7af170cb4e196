/**
 * A download that takes longer than a keepalive: in the long run with all defaults.
 *
 * @module
 */

import { assert, assertEquals } from "#std/assert";
import { LONG } from "../support/long.ts";
import { runtimes } from "../support/runtimes.ts";
import { figure, inMiB, Lane, openSocket, type Subject, upgradeSocket } from "./faulty.ts";

/** How many bytes the client reads in how many milliseconds: 100 kB/s. */
const STEP = 10_000;
const PERIOD = 100;
/** For how long, in milliseconds, and when the server pings: by default after 30 s, with 10 s for the answer. */
const [TIME, KEEPALIVE] = LONG ? [90_000, "default"] as const : [3_000, "1000,400"] as const;

/** Reads at that rate what a server sends as fast as it can, and answers no Ping. */
async function readSlowly(server: Subject): Promise<void> {
  const socket = await openSocket(server.port);
  await upgradeSocket(socket, "/pour?size=1000000000");
  let size = 0;
  // Nothing is read but by `read`, which makes room for a little more.
  socket.removeAllListeners("data").on("readable", () => {});
  const reading = setInterval(() => size += (socket.read(STEP) as Uint8Array | null)?.length ?? 0, PERIOD);
  const ended = Promise.withResolvers<string>();
  socket.once("close", () => ended.resolve("closed")).once("end", () => ended.resolve("ended"));
  const timer = setTimeout(() => ended.resolve("reading"), TIME);
  assertEquals(await ended.promise, "reading", `after ${size} bytes`);
  clearInterval(reading);
  clearTimeout(timer);
  const { settled, errors, open } = await server.report();
  figure(inMiB(size), "read,", open);
  assertEquals({ settled, errors }, { settled: {}, errors: [] });
  assert(size > TIME / PERIOD * STEP / 2, `only ${size} bytes were read`);
  socket.destroy();
}

for (const runtime of runtimes) {
  const title = "who reads at 100 kB/s is not cut in the middle of a download";
  const args = ["--keepalive", KEEPALIVE];
  // Each on a lane of its own: they wait most of the time.
  new Lane(runtime).test(title, args, readSlowly);
  new Lane(runtime).testOverTls(title, args, readSlowly);
}
