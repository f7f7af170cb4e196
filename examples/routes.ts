// Paths with parameters: node examples/routes.ts [port], then ws://localhost:8080/rooms/lobby or /users/ada/inbox
//
// `authorize` finds the route before the connection opens; what it returns is the handler's `request.context`.

import process from "node:process";
// From the package: "@sluice/websocket/node", or /deno, or /bun.
import { serve, type UpgradeRequest, type WebSocketConnection } from "../lib/adapters/node.ts";

/** What the handlers are given: the parts of the path, by their names in the pattern; still percent-encoded. */
type Parameters = Readonly<Record<string, string | undefined>>;

type Handler = (socket: WebSocketConnection, parameters: Parameters) => Promise<unknown>;

const routes: readonly [URLPattern, Handler][] = [
  [new URLPattern({ pathname: "/rooms/:room" }), async (socket, { room }) => {
    await socket.send(`You are in ${room}`);
    for await (const message of socket) await socket.send(`${room}: ${message}`);
  }],
  [new URLPattern({ pathname: "/users/:user/inbox" }), async (socket, { user }) => {
    await socket.send(`No mail for ${user}`);
  }],
];

/** Looks for the first pattern that fits; a path without one is refused before it opens. */
function route({ url }: UpgradeRequest): [Handler, Parameters] | Response {
  for (const [pattern, handler] of routes) {
    const match = pattern.exec(url);
    if (match !== null) return [handler, match.pathname.groups];
  }
  return new Response("No such path\n", { status: 404 });
}

const server = await serve(
  { port: Number(process.argv[2] ?? 8080), authorize: route },
  (socket, { context: [handler, parameters] }) => handler(socket, parameters),
);

if ("port" in server.address) console.log(`Routing on ws://localhost:${server.address.port}/`);
process.once("SIGINT", () => server.close());
