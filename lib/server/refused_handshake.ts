/**
 * What a server tells of a request that it refuses by itself.
 *
 * @module
 */

import type { RemoteAddress } from "../connection/transport.ts";
import type { HandshakeError } from "../errors.ts";
import type { HeaderFields } from "../handshake/header_fields.ts";

/** A request that was refused before any of the user's functions had a say, or after `origins` or `hosts` had. */
export interface RefusedHandshake {
  /** The fault: its `code` does not change between versions. */
  readonly error: HandshakeError;
  /** The HTTP status that the client gets. */
  readonly status: number;
  /** Why, in words: for an origin, with both Origin and Host. The client does not get it. */
  readonly reason: string;
  /** The headers, if the head was read to its end. */
  readonly headers: Headers | undefined;
  /** Where the client is; `undefined` where the stream cannot tell. */
  readonly remoteAddress: RemoteAddress | undefined;
}

/** What is known of a request that is refused. */
export interface RefusedRequest {
  /** Its header lines, if its head was read. */
  readonly fields: HeaderFields | undefined;
  /** Where it came from. */
  readonly remoteAddress: RemoteAddress | undefined;
}

/** Says what was refused, and why. */
export function refusedHandshake(
  error: HandshakeError,
  { fields, remoteAddress }: RefusedRequest,
): RefusedHandshake {
  const headers = fields?.toHeaders();
  const [origin, host] = ["origin", "host"].map((name) => headers?.get(name) ?? "none");
  const { status = 500 } = error;
  const reason = error.code === "origin"
    ? `${error.message} (Origin: ${origin}, Host: ${host})`
    : error.message;
  return { error, status, reason, headers, remoteAddress };
}
