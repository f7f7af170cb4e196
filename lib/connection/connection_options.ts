/**
 * What the options of a connection's methods may be.
 *
 * @module
 */

import { anAbortSignal, aNumber } from "../options/checks.ts";
import type { OptionTable } from "../options/option_table.ts";
import { type Bytes, toBytes } from "../protocol/bytes.ts";
import type { IncomingOptions, PingOptions } from "./web_socket_connection.ts";

/** What the options of `incoming` may be. */
export const incomingTable: OptionTable<IncomingOptions> = { maxMessageSize: aNumber };

/** What the options of `ping` may be. */
export const pingTable: OptionTable<PingOptions> = {
  data: (value) => void toBytes(value as Bytes),
  signal: anAbortSignal,
};
