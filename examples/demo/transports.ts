/**
 * Why not polling: one source of updates, to be had by polling, by long polling and by WebSocket.
 *
 * @module
 */

import process from "node:process";
import type { UpgradeRequest, WebSocketConnection } from "../../lib/adapters/node.ts";
import type { Feature } from "./feature.ts";
import { jsonResponse, textResponse } from "./json.ts";
import { now, UpdateRun } from "./update_run.ts";
import { frameSize, handshakeSize, requestSize, responseSize } from "./wire_size.ts";

/** How long a long poll is held, in milliseconds, before it is answered with nothing. */
const HOLD = 20_000;

/** How long a run is remembered after it was started, in milliseconds. */
const REMEMBERED = 300_000;

/** The most runs at a time. */
const MAX_RUNS = 1_000;

/** Makes the page's share of the server. */
export function transports(): Feature {
  const runs = new Map<string, UpdateRun>();
  const runOf = (url: URL) => runs.get(url.searchParams.get("run") ?? "");

  /** Starts a run: `count` updates, `mean` milliseconds apart. */
  function startRun(request: Request): Response {
    if (runs.size >= MAX_RUNS) return textResponse(503, "Too many runs.\n");
    const { searchParams: asked } = new URL(request.url);
    const count = between(1, 1_000, Number(asked.get("count")) || 20);
    const mean = between(20, 5_000, Number(asked.get("mean")) || 500);
    const [id, run] = [crypto.randomUUID(), new UpdateRun(count, mean)];
    runs.set(id, run);
    const forget = setTimeout(() => {
      run.stop();
      runs.delete(id);
    }, REMEMBERED);
    forget.unref(); // no reason for the process to stay
    return jsonResponse({ id });
  }

  /** Answers with the updates from a number on: at once, or (`wait`) as soon as there is one. */
  async function poll(request: Request): Promise<Response> {
    const url = new URL(request.url);
    const run = runOf(url);
    if (run === undefined) return textResponse(404, "No such run.\n");
    const first = Number(url.searchParams.get("first"));
    if (url.searchParams.has("wait") && run.from(first).length === 0) await run.next(HOLD, request.signal);
    const response = jsonResponse(run.from(first));
    run.traffic.requests++;
    run.traffic.bytes += requestSize(request) +
      responseSize(response, Number(response.headers.get("content-length")));
    return response;
  }

  /** Tells the server's time, the CPU time that it has used, in milliseconds, and the traffic of a run. */
  function tell(request: Request): Response {
    const { user, system } = process.cpuUsage();
    return jsonResponse({
      now: now(),
      cpu: (user + system) / 1_000,
      ...runOf(new URL(request.url))?.traffic,
    });
  }

  return {
    routes: {
      "POST /transports/run": startRun,
      "GET /transports/updates": poll,
      "GET /transports/server": tell,
    },
    doors: {
      "/transports": (request) => {
        const run = runOf(request.url);
        return run === undefined
          ? textResponse(404, "No such run.\n")
          : (socket) => push(run, socket, request);
      },
    },
    close: () => runs.forEach((run) => run.stop()),
  };
}

/** Sends each update as soon as there is one, until the page leaves. */
async function push(run: UpdateRun, socket: WebSocketConnection, request: UpgradeRequest): Promise<void> {
  run.traffic.requests++;
  run.traffic.bytes += handshakeSize(request);
  for (let first = 0; !request.signal.aborted;) {
    const updates = run.from(first);
    first += updates.length;
    if (updates.length > 0) {
      const message = JSON.stringify(updates);
      run.traffic.bytes += frameSize(message.length);
      await socket.send(message);
    }
    await run.next(HOLD, request.signal);
  }
}

function between(least: number, most: number, value: number): number {
  return Math.min(Math.max(value, least), most);
}
