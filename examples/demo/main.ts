/**
 * The demo, but for the runtime: a web site, and the WebSockets that its pages talk to, on one port.
 *
 * @module
 */

import { isIP } from "node:net";
import process from "node:process";
import type { serve, Server } from "../../lib/adapters/node.ts";
import { openGroups } from "./broker.ts";
import { chat } from "./chat.ts";
import { devices } from "./devices.ts";
import { echo } from "./echo.ts";
import type { Door, Feature, Route, Talk } from "./feature.ts";
import { type Flags, readFlags } from "./flags.ts";
import { textResponse } from "./json.ts";
import { isFromAnotherSite } from "./same_site.ts";
import { site } from "./site.ts";
import { start } from "./start.ts";
import { defaultPath, Store } from "./store.ts";
import { transports } from "./transports.ts";
import { upload } from "./upload.ts";
import { vote } from "./vote.ts";

/** What `@sluice/websocket/node`, `/deno` and `/bun` export alike. */
type Serve = typeof serve;

/**
 * Runs the demo until SIGINT (Ctrl-C) or SIGTERM.
 *
 * @param serve The `serve` of the runtime that this runs on.
 */
export async function runDemo(serve: Serve): Promise<void> {
  const flags = readFlags();
  const alertToken = crypto.randomUUID();
  const open = await openGroups(flags.broker);
  const store = new Store(flags.history ?? defaultPath(flags.port));
  const features: Feature[] = [
    start(),
    await echo(flags.hostname),
    await chat(open, store),
    await vote(open.groups, store, alertToken),
    devices(open),
    upload(),
    transports(),
  ];
  const server = await listen(serve, flags, features);

  // Open pages are told that the server goes away. With nothing left to do, the process ends.
  const stop = async () => {
    await Promise.all([server.close(), ...features.map((feature) => feature.close?.())]);
    await open.close();
    store.close();
  };
  for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, stop);
  if ("port" in server.address) console.log(welcome(pageUrl(server.address), alertToken));
}

/** Serves all pages on one port. */
async function listen(serve: Serve, { hostname, port }: Flags, features: Feature[]): Promise<Server> {
  const doors = new Map<string, Door>(features.flatMap(({ doors = {} }) => Object.entries(doors)));
  const routes = new Map<string, Route>(features.flatMap(({ routes = {} }) => Object.entries(routes)));
  try {
    return await serve<Talk>({
      hostname,
      port,
      // Another site could make its name resolve to this machine, but not a name that is an address.
      hosts: (host) => host === "localhost" || host === hostname || isIP(host.replace(/^\[|\]$/g, "")) > 0,
      // Decides before a WebSocket opens: what it returns is a refusal, or what the connection is for.
      authorize: (request) => doors.get(request.url.pathname)?.(request) ?? notFound(),
      fetch: (request) => {
        if (isFromAnotherSite(request)) return textResponse(403, "Not for pages of other sites.\n");
        return routes.get(routeOf(request))?.(request) ?? site(request);
      },
    }, (socket, { context: talk }) => talk(socket));
  } catch (error) {
    if (!isPortTaken(error)) throw error;
    console.error(
      `Port ${port} is in use: stop what runs there, or choose another with --port (0 takes any).`,
    );
    process.exit(1);
  }
}

function routeOf(request: Request): string {
  return `${request.method} ${new URL(request.url).pathname}`;
}

function notFound(): Response {
  return new Response("Not found.\n", { status: 404 });
}

function isPortTaken(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "EADDRINUSE";
}

function welcome(url: string, alertToken: string): string {
  return `Sluice demo on ${url}

  ${url}echo        what you send comes back; every frame, bit by bit
  ${url}chat        a room with a history, a robot, and /to for one person
  ${url}vote        log in, vote, watch the bars move on every screen
  ${url}devices     messages from one named device to another, kept while it is away
  ${url}upload      a file of any size as one message, its SHA-256 back
  ${url}transports  the same updates by polling, long polling and WebSocket

Alert everyone at the vote:
  curl "${url}alert" -d token=${alertToken} --data-urlencode "text=Five minutes left"

Open two windows side by side. Ctrl-C stops the server.`;
}

function pageUrl({ hostname, port }: { hostname: string; port: number }): string {
  // No browser opens "any address"; and that of IPv6 needs brackets.
  const host = ["0.0.0.0", "::"].includes(hostname) ? "localhost" : hostname;
  return `http://${host.includes(":") ? `[${host}]` : host}:${port}/`;
}
