/**
 * What the fragments of the documentation take for granted, so that each can be checked without saying it again.
 *
 * Scripts that stand whole have to do without it.
 */

import type * as node from "@sluice/websocket/node";
import type { ByteStream } from "@sluice/websocket";
import type { GraphQLSchema } from "graphql";
import type * as groupsModule from "@sluice/websocket/groups";

declare global {
  // The library's own, where a fragment leaves out the import that another on its page has.
  const serve: typeof node.serve;
  const connect: typeof node.connect;
  const prepare: typeof node.prepare;
  const Groups: typeof groupsModule.Groups;
  const HandshakeError: typeof node.HandshakeError;
  type HandshakeError = node.HandshakeError;

  // What a reader has at that point.
  const server: node.Server;
  const socket: node.WebSocketConnection;
  const request: node.UpgradeRequest;
  const groups: groupsModule.Groups;
  const stream: ByteStream;
  const bytes: ReadableStream<Uint8Array>;
  const message: string | Uint8Array;

  // What is the reader's own.
  interface User {
    readonly id: string;
    readonly name: string;
  }
  const schema: GraphQLSchema;
  const handler: node.Handler<undefined>;
  function talk(connection: node.WebSocketConnection): Promise<void>;
  function findUser(cookie: string | null): Promise<User | undefined>;
  function openFile(): Promise<WritableStream<string | Uint8Array>>;
  function work(message: string | Uint8Array): Promise<void>;
  function show(message: string | Uint8Array): void;
}
