import { test } from "node:test";
import { assertEquals, assertStrictEquals } from "#std/assert";
import {
  acceptKey,
  acceptStream,
  checkUpgrade,
  checkUpgradeResponse,
  connectStream,
  generateKey,
  parseWebSocketUrl,
  RequestHeadParser,
  requestUrl,
  ResponseHeadParser,
  writeAccept,
  writeUpgradeRequest,
} from "../../mod.ts";
import { serving, until } from "../support/serving.ts";

test("a connection of a server has the request that asked for it, as the handler got it", async () => {
  const authorize = ({ url }: { url: URL }) => ({ user: url.searchParams.get("user")! });
  let handled: unknown;
  await serving({ authorize }, (socket, request) => {
    handled = request;
    // Typed: the context is what authorize returned.
    const { user }: { user: string } = socket.request.context;
    assertEquals(user, request.context.user);
    return socket.closed;
  }, async ({ server, url, open }) => {
    const socket = await open();
    socket.close();
    await until(() => server.connections.size === 0);
    const { connect } = await import("../support/sluice.ts");
    const client = await connect(`${url}chat?user=ada`, { headers: { "X-Name": "Ada" } });
    await until(() => server.connections.size === 1);
    const [{ request }] = [...server.connections] as [
      typeof server.connections extends ReadonlySet<infer S> ? S : never,
    ];
    assertStrictEquals(request, handled as typeof request);
    assertEquals([request.url.pathname, request.headers.get("x-name")], ["/chat", "Ada"]);
    assertEquals(request.context, { user: "ada" });
    assertEquals(request.remoteAddress?.hostname, "127.0.0.1");
    assertEquals(request.signal.aborted, false);
    assertEquals(client.request, undefined);
    client.close();
    await client.closed;
    await until(() => request.signal.aborted);
  });
});

test("a connection over streams has its request on the server's side", async () => {
  const up = new TransformStream<Uint8Array, Uint8Array>();
  const down = new TransformStream<Uint8Array, Uint8Array>();
  const [client, server] = await Promise.all([
    connectStream({ readable: down.readable, writable: up.writable }, "ws://example.com/a?b"),
    acceptStream({ readable: up.readable, writable: down.writable }),
  ]);
  assertEquals(server.request.url.href, "http://example.com/a?b");
  assertEquals(server.request.context, undefined);
  assertEquals(client.request, undefined);
  client.abort();
});

test("a handshake can be made of the public functions alone", async () => {
  const url = parseWebSocketUrl("https://example.com/chat");
  assertEquals(url.href, "wss://example.com/chat");
  const key = generateKey();
  const request = new RequestHeadParser().push(writeUpgradeRequest(url, key, { protocols: ["chat"] }))!;
  assertEquals(requestUrl(request, { secure: true }), "https://example.com/chat");
  const offer = checkUpgrade(request);
  assertEquals(offer.key, key);
  const answer = writeAccept({ accept: await acceptKey(offer.key), protocol: offer.protocols[0] });
  const response = new ResponseHeadParser().push(answer)!;
  const expected = { accept: await acceptKey(key), protocols: ["chat"] };
  assertEquals(checkUpgradeResponse(response, expected), { protocol: "chat", extensions: "" });
});
