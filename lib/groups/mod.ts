/**
 * Groups: one message to many, in one process or across machines.
 *
 * @example A chat room
 * ```ts
 * import { Groups } from "@sluice/websocket/groups";
 * import { serve } from "@sluice/websocket/node"; // or /deno, or /bun
 *
 * const groups = new Groups();
 * await serve({ port: 8080 }, async (socket, request) => {
 *   const room = request.url.pathname;
 *   groups.join(room, socket); // it leaves by itself when it closes
 *   for await (const message of socket) groups.publish(room, message, { except: socket });
 * });
 * ```
 *
 * @module
 */

export type { Bytes, CloseOptions, PreparedMessage } from "../connection/web_socket_connection.ts";

export type { Excepted, MemberId } from "./audience.ts";
export type { Broker, BrokerEvents, Deliver } from "./broker.ts";
export type { BrokerHistory, HistoryPage, KeptPayload } from "./broker_history.ts";
export type { SlowConsumerPolicy } from "./fan_out.ts";
export type { GroupConnection } from "./group_connection.ts";
export { Groups } from "./groups.ts";
export { GroupsError, type GroupsErrorCode, type GroupsErrorContext } from "./groups_error.ts";
export type { HistoryLimits, HistoryOptions, JoinResult, Position } from "./history_options.ts";
export { MemoryHub } from "./brokers/memory.ts";
export type { PresenceChange } from "./presence_watch.ts";
export type {
  DisconnectOptions,
  GroupsCounts,
  GroupsOptions,
  GroupsStatus,
  JoinOptions,
  Presence,
  PresenceQueries,
  PresentMember,
  PublishOptions,
  SendToResult,
} from "./groups_options.ts";
