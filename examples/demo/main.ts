/**
 * The demo, but for the runtime: a web site, and the WebSocket server that its pages talk to, on one port.
 *
 * @module
 */

import process from "node:process";
import { parseArgs } from "node:util";
import type { serve, ServeOptions, Server } from "../../lib/adapters/node.ts";
import { site } from "./site.ts";

/** What `@sluice/websocket/node`, `/deno` and `/bun` export alike. */
type Serve = typeof serve;

type Handler = Parameters<Serve>[1];

/** Sends each message back: `pipeTo` reads no faster than the client takes the answers. */
const echo: Handler = ({ readable, writable }) => readable.pipeTo(writable);

/** What a WebSocket gets, by the path that it asks for. */
const handlers: ReadonlyMap<string, Handler> = new Map([["/echo", echo]]);

/** Plain requests get a page. A WebSocket needs a handler: for any other path it is refused before it opens. */
const options: ServeOptions = {
  fetch: site,
  authorize: ({ url }) => {
    if (!handlers.has(url.pathname)) return new Response("Not found.\n", { status: 404 });
  },
};

/**
 * Runs the demo until SIGINT (Ctrl-C) or SIGTERM.
 *
 * @param serve The `serve` of the runtime that this runs on.
 */
export async function runDemo(serve: Serve): Promise<void> {
  const { hostname, port } = readFlags();
  const server = await listen(serve, hostname, port);
  // Open pages are told that the server goes away. With nothing left to do, the process ends.
  for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => server.close());
  if ("port" in server.address) {
    console.log(`Sluice demo on ${pageUrl(server.address)}`);
    console.log("Open it in a browser; Ctrl-C stops it.");
  }
}

/** Listens on the port, or on any that is free if another program has it. */
async function listen(serve: Serve, hostname: string, port: number): Promise<Server> {
  const start = (port: number) =>
    serve({ ...options, hostname, port }, (socket, request) => {
      const handle = handlers.get(request.url.pathname)!; // `authorize` has seen to that
      return handle(socket, request);
    });
  try {
    return await start(port);
  } catch (error) {
    if (!isPortTaken(error)) throw error;
    console.log(`Port ${port} is taken: looking for a free one.`);
    return await start(0);
  }
}

function isPortTaken(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "EADDRINUSE";
}

function readFlags(): { hostname: string; port: number } {
  try {
    const { values } = parseArgs({
      options: {
        hostname: { type: "string", default: "127.0.0.1" }, // this machine only; 0.0.0.0 lets others in
        port: { type: "string", default: "8080" }, // 0 takes any that is free
      },
    });
    const port = Number(values.port);
    if (/^\d{1,5}$/.test(values.port) && port <= 65_535) return { hostname: values.hostname, port };
    throw new RangeError(`--port takes a number from 0 to 65535, not "${values.port}"`);
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exit(2);
  }
}

function pageUrl({ hostname, port }: { hostname: string; port: number }): string {
  // No browser opens "any address"; and that of IPv6 needs brackets.
  const host = ["0.0.0.0", "::"].includes(hostname) ? "localhost" : hostname;
  return `http://${host.includes(":") ? `[${host}]` : host}:${port}/`;
}
