/**
 * What the two handshakes hand over to a connection.
 *
 * @module
 */

import type { EndpointDeflate } from "../protocol/endpoint.ts";
import type { Role } from "../protocol/frame.ts";
import type { CheckedLimits } from "./limits.ts";
import type { UpgradeRequest } from "./upgrade_request.ts";

/** What a connection starts out with, its opening handshake being done. */
export interface ConnectionStart {
  /** Whose side we are. */
  role: Role;
  /** The request that asked for it, as a server. */
  request?: UpgradeRequest<unknown>;
  /** The subprotocol that was agreed on. */
  protocol: string;
  /** The extensions that were agreed on. */
  extensions: string;
  /** How messages are compressed, if that was agreed on. */
  deflate: EndpointDeflate | undefined;
  /** The limits, checked. */
  limits: CheckedLimits;
  /** The end of our handshake, if it is still to be sent: it goes out ahead of the first frame. */
  greeting?: Uint8Array;
  /** The bytes behind the peer's handshake: they are its first frames. */
  rest: Uint8Array;
}
