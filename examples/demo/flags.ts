/**
 * The demo's flags.
 *
 * @module
 */

import process from "node:process";
import { parseArgs } from "node:util";

/** What can be set. */
export interface Flags {
  /** Where to listen. */
  readonly hostname: string;
  /** The port of the pages; 0 takes any that is free. */
  readonly port: number;
  /** The file with chat and votes; a temporary one unless given. */
  readonly history: string | undefined;
  /** The broker that joins several processes: `redis://…`, or `nats://…` with JetStream. */
  readonly broker: URL | undefined;
}

/** Reads the flags; ends the process with 2 if one of them is wrong. */
export function readFlags(): Flags {
  try {
    const { values } = parseArgs({
      options: {
        hostname: { type: "string", default: "127.0.0.1" }, // this machine only; 0.0.0.0 lets others in
        port: { type: "string", default: "8080" },
        history: { type: "string" },
        broker: { type: "string" },
      },
    });
    return {
      hostname: values.hostname,
      port: readPort(values.port),
      history: values.history,
      broker: values.broker === undefined ? undefined : readBroker(values.broker),
    };
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exit(2);
  }
}

function readPort(text: string): number {
  const port = Number(text);
  if (/^\d{1,5}$/.test(text) && port <= 65_535) return port;
  throw new RangeError(`--port takes a number from 0 to 65535, not "${text}"`);
}

function readBroker(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url !== undefined && ["redis:", "nats:"].includes(url.protocol)) return url;
  throw new RangeError(`--broker takes redis://host:port or nats://host:port, not "${withoutLogin(text)}"`);
}

/** Leaves a name and a password out of an address, however wrong that is. */
function withoutLogin(text: string): string {
  return text.replace(/^([a-z]+:\/\/)?.*@/is, "$1");
}
