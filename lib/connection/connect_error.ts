/**
 * What a client says of a connection that could not be opened: where to, and why.
 *
 * @module
 */

import { HandshakeError } from "../errors.ts";
import type { DialTarget } from "./connect.ts";

/**
 * Says where a handshake failed, and why.
 *
 * @param error What failed.
 * @param target Where to.
 * @param options `timeout`: how long the handshake could take, in milliseconds.
 * @returns The same fault, with host, port and reason in its message. It has a status only if the server refused.
 */
export function connectError(
  error: HandshakeError,
  target: DialTarget,
  { timeout }: { timeout: number },
): HandshakeError {
  const { code, cause, response } = error;
  const reason = code === "timeout" ? `the handshake took more than ${timeout} ms` : reasonOf(error);
  return new HandshakeError(code, {
    message: `Cannot connect to ${placeOf(target)}: ${reason}`,
    status: code === "refused" ? error.status : undefined,
    response,
    ...cause !== undefined && { cause },
  });
}

function placeOf({ hostname, port, path }: DialTarget): string {
  return path ?? `${hostname.includes(":") ? `[${hostname}]` : hostname}:${port}`;
}

function reasonOf({ code, cause, message, status, response }: HandshakeError): string {
  if (code === "refused") {
    return `the server answered with status ${status} ${response?.statusText ?? ""}`.trim();
  }
  if (code === "unreachable" && cause !== undefined) return explain(cause);
  return message.slice(message.indexOf(": ") + 2);
}

/** Says what the platform had to say. Its words differ, the code in them is the same on most. */
function explain(cause: unknown): string {
  // One for each address that was tried.
  if (cause instanceof AggregateError && cause.errors.length > 0) {
    return [...new Set(cause.errors.map(explain))].join("; ");
  }
  const { message, code } = cause as { message?: unknown; code?: unknown };
  const text = String(message ?? cause);
  return typeof code !== "string" || text.includes(code) ? text : `${text} (${code})`;
}
