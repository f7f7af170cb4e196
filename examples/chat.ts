// A chat in 40 lines: node examples/chat.ts [port]
//
// Come in as ws://localhost:8080/ROOM?name=ADA. What you send goes to the room, `/to NAME TEXT` to one person, `/who`
// tells who is here. For rooms that span processes: new Groups({ broker: redisBroker(client) }).

import process from "node:process";
import { serve } from "../lib/adapters/node.ts"; // from the package: "@sluice/websocket/node", or /deno, or /bun
import { Groups } from "../lib/groups/mod.ts"; // from the package: "@sluice/websocket/groups"

const port = Number(process.argv[2] ?? 8080);
const groups = new Groups();

/** Decides who comes in, and what the handler knows of them. */
function authorize({ url }: { url: URL }): { name: string; room: string } | Response {
  const name = url.searchParams.get("name") ?? "";
  if (!/^\w{1,20}$/.test(name)) return new Response("?name= takes 1 to 20 letters\n", { status: 400 });
  return { name, room: url.pathname };
}

const server = await serve({ port, authorize }, async (socket, { context: { name, room } }) => {
  await groups.join(room, socket, { as: `${room}:${name}` });
  groups.publish(room, `* ${name} is here`);
  for await (const message of socket) {
    const [, to, text] = /^\/to (\w+) (.*)$/s.exec(String(message)) ?? [];
    if (to !== undefined) groups.sendTo(`${room}:${to}`, `${name}, to you alone: ${text}`);
    else if (message !== "/who") groups.publish(room, `${name}: ${message}`);
    else await socket.send(`* ${(await groups.presence(room)).names.join(", ")}`);
  }
  groups.leave(room, socket);
  groups.publish(room, `* ${name} left`);
});

if ("port" in server.address) console.log(`Chatting on ws://localhost:${server.address.port}/lobby?name=Ada`);
process.once("SIGINT", () => server.close());
