import { test } from "node:test";
import { assertEquals } from "#std/assert";
import { GraphQLInt, GraphQLObjectType, GraphQLSchema, GraphQLString } from "graphql";
import { createClient, GRAPHQL_TRANSPORT_WS_PROTOCOL } from "graphql-ws";
import { makeHandler } from "graphql-ws/use/deno";
import { toWebSocket } from "../../mod.ts";
import { serving } from "../support/serving.ts";

async function* countDown({ countDown: from }: { countDown: number }): AsyncGenerator<{ countDown: number }> {
  for (let i = from; i > 0; i--) yield await Promise.resolve({ countDown: i });
}

const schema = new GraphQLSchema({
  query: new GraphQLObjectType({
    name: "Query",
    fields: { hello: { type: GraphQLString, resolve: () => "world" } },
  }),
  subscription: new GraphQLObjectType({
    name: "Subscription",
    fields: { countDown: { type: GraphQLInt, subscribe: () => countDown({ countDown: 3 }) } },
  }),
});

test("graphql-ws serves through toWebSocket, and its client finds nothing odd", async () => {
  // It is written for Deno's own sockets, and knows nothing of Sluice.
  const handle = makeHandler({ schema });
  await serving({ protocols: [GRAPHQL_TRANSPORT_WS_PROTOCOL] }, (socket) => {
    handle(toWebSocket(socket));
    return socket.closed;
  }, async ({ url }) => {
    const closed = Promise.withResolvers<number>();
    const client = createClient({
      url,
      on: { closed: (event) => closed.resolve((event as CloseEvent).code) },
    });
    const results: unknown[] = [];
    for (const query of ["{ hello }", "subscription { countDown }"]) {
      for await (const { data } of client.iterate({ query })) results.push(data);
    }
    const wrong = client.iterate({ query: "{ nothing }" });
    results.push(await wrong.next().catch((errors: readonly Error[]) => errors[0]!.message));
    assertEquals(
      JSON.stringify(results),
      JSON.stringify([
        { hello: "world" },
        { countDown: 3 },
        { countDown: 2 },
        { countDown: 1 },
        'Cannot query field "nothing" on type "Query".',
      ]),
    );
    await client.dispose();
    assertEquals(await closed.promise, 1000);
  });
});

test("graphql-ws closes through toWebSocket with codes of its own", async () => {
  const handle = makeHandler({ schema, onConnect: () => false });
  const { promise: closed, resolve } = Promise.withResolvers<unknown>();
  await serving({ protocols: [GRAPHQL_TRANSPORT_WS_PROTOCOL] }, (socket) => {
    handle(toWebSocket(socket));
    resolve(socket.closed);
    return socket.closed;
  }, async ({ open }) => {
    const client = await open({ protocols: [GRAPHQL_TRANSPORT_WS_PROTOCOL] });
    await client.send(JSON.stringify({ type: "connection_init" }));
    const end = { closeCode: 4403, reason: "Forbidden" };
    assertEquals([await client.closed, await closed], [end, end]);
  });
});
