/**
 * Every way in which a peer, or the network, can be at fault: one table, and the two errors made from it.
 *
 * Wrong arguments are not here. They are the caller's own mistakes and throw `TypeError` or `RangeError` at once.
 *
 * @module
 */

import { NORMAL_CLOSURE, readCloseInfo } from "./protocol/interface_close.ts";

/** A row of a table of faults: a code, where the RFC says so, what to tell. */
export type Fault = readonly [code: number, section: string, message: string];

/** The faults of an open connection: `[close code that answers it, where the RFC says so, what to tell]`. */
export const CONNECTION_FAULTS: Readonly<Record<WebSocketErrorCode, Fault>> = {
  // What a frame header can get wrong: decided before any payload is read.
  "reserved-bit": [1002, "RFC 6455 §5.2", "Cannot decode frame: a reserved bit is set"],
  "reserved-opcode": [1002, "RFC 6455 §5.2", "Cannot decode frame: the opcode is reserved"],
  "unmasked-frame": [1002, "RFC 6455 §5.1", "Cannot decode frame: a client sent it unmasked"],
  "masked-frame": [1002, "RFC 6455 §5.1", "Cannot decode frame: a server sent it masked"],
  "fragmented-control": [1002, "RFC 6455 §5.5", "Cannot decode frame: a control frame is fragmented"],
  "control-too-long": [1002, "RFC 6455 §5.5", "Cannot decode frame: a control frame is over 125 bytes"],
  "length-not-minimal": [
    1002,
    "RFC 6455 §5.2",
    "Cannot decode frame: its length is not in the shortest form",
  ],
  "length-out-of-range": [1002, "RFC 6455 §5.2", "Cannot decode frame: its length is 2^63 bytes or more"],
  "unexpected-continuation": [1002, "RFC 6455 §5.4", "Cannot decode frame: it continues no message"],
  "expected-continuation": [1002, "RFC 6455 §5.4", "Cannot decode frame: it interrupts a fragmented message"],
  "frame-too-big": [1009, "RFC 6455 §10.4", "Cannot decode frame: it is over the size limit"],
  "message-too-big": [1009, "RFC 6455 §10.4", "Cannot receive message: it is over the size limit"],
  "too-many-empty-fragments": [1008, "RFC 6455 §10.4", "Cannot receive message: too many empty fragments"],
  "message-cut": [
    1006,
    "RFC 6455 §5.4",
    "Cannot receive message: the connection was closed in the middle of it",
  ],
  // What a payload can get wrong.
  "invalid-utf8": [1007, "RFC 6455 §8.1", "Cannot receive message: its text is not valid UTF-8"],
  "invalid-deflate": [1007, "RFC 7692 §7.2.2", "Cannot receive message: its compressed data is not valid"],
  "close-payload-short": [1002, "RFC 6455 §5.5.1", "Cannot read Close frame: its payload is 1 byte long"],
  "close-code-invalid": [1002, "RFC 6455 §7.4", "Cannot read Close frame: its code must not be sent"],
  "close-reason-utf8": [1007, "RFC 6455 §8.1", "Cannot read Close frame: its reason is not valid UTF-8"],
  // How a connection can end without a closing handshake. 1006 is never on the wire.
  "connection-lost": [1006, "RFC 6455 §7.1.5", "Connection lost: the stream ended without a Close frame"],
  "close-timeout": [1006, "RFC 6455 §7.1.1", "Connection cut: the Close frame was not answered in time"],
  "keepalive-timeout": [1006, "RFC 6455 §5.5.2", "Connection cut: the peer gave no sign of life in time"],
  "aborted": [1006, "RFC 6455 §7.1.7", "Connection cut: it was aborted on this side"],
  "internal": [1011, "RFC 6455 §7.4.1", "Connection failed: this side met an unexpected error"],
  "not-open": [1006, "RFC 6455 §5.5.1", "Cannot send: the connection is closing or closed"],
};

/** Names a row of the table of connection faults. */
export type WebSocketErrorCode =
  | "reserved-bit"
  | "reserved-opcode"
  | "unmasked-frame"
  | "masked-frame"
  | "fragmented-control"
  | "control-too-long"
  | "length-not-minimal"
  | "length-out-of-range"
  | "unexpected-continuation"
  | "expected-continuation"
  | "frame-too-big"
  | "message-too-big"
  | "too-many-empty-fragments"
  | "message-cut"
  | "invalid-utf8"
  | "invalid-deflate"
  | "close-payload-short"
  | "close-code-invalid"
  | "close-reason-utf8"
  | "connection-lost"
  | "close-timeout"
  | "keepalive-timeout"
  | "aborted"
  | "internal"
  | "not-open";

/** What an error that the user makes tells of a Close: the WHATWG's `WebSocketCloseInfo`. */
export interface WebSocketErrorInit {
  /** 1000, or 3000 to 4999. @default 1000 if there is a reason, or else none */
  closeCode?: number;
  /** At most 123 bytes of UTF-8. @default {""} */
  reason?: string;
}

/** Tells why a connection failed: thrown by the decoders, and what `closed` and `readable` end with. */
export class WebSocketError extends Error {
  /** `"WebSocketError"`. */
  override readonly name: string = "WebSocketError";
  /** The fault, as a word that does not change between versions; `"application"` if the user made the error. */
  readonly code: WebSocketErrorCode | "application";
  /**
   * The close code that answers the fault on the wire; 1006 where nothing can be answered (RFC 6455 §7.4.1). Only an
   * error that the user made without a code has `null` here, as in the WHATWG's interface.
   */
  readonly closeCode: number;
  /** The reason that goes with {@linkcode closeCode}: empty unless the peer sent one. */
  readonly reason: string;
  /** The section of the RFC that was broken; empty if the user made the error. */
  readonly section: string;

  /**
   * Makes the error of one row of the table.
   *
   * @param code The row.
   * @param options `cause`: what led to it.
   */
  constructor(code: WebSocketErrorCode, options?: ErrorOptions);
  /**
   * Makes an error as the WHATWG's interface does.
   *
   * @param message What to tell.
   * @param init The code and the reason of a Close.
   * @throws {DOMException} `InvalidAccessError` for a code that a user may not close with, `SyntaxError` for a reason
   *   over 123 bytes.
   */
  constructor(message?: string, init?: WebSocketErrorInit);
  constructor(what: string = "", options: ErrorOptions | WebSocketErrorInit = {}) {
    const fault = isFault(what);
    const [closeCode, section, message] = fault ? CONNECTION_FAULTS[what] : [NO_CODE, "", what];
    super(message, fault ? options as ErrorOptions : undefined);
    const { closeCode: ownCode, reason = "" } = fault ? {} : readCloseInfo(options);
    this.code = fault ? what : "application";
    this.closeCode = ownCode ?? (reason === "" ? closeCode : NORMAL_CLOSURE);
    this.reason = reason;
    this.section = section;
  }
}

/** What is there in place of a code: a type that said so would concern everyone who reads the library's own errors. */
const NO_CODE = null as unknown as number;

function isFault(what: string): what is WebSocketErrorCode {
  return Object.hasOwn(CONNECTION_FAULTS, what);
}

/** The faults of an opening handshake: `[HTTP status that answers it, where the RFC says so, what to tell]`. */
export const HANDSHAKE_FAULTS: Readonly<Record<HandshakeErrorCode, Fault>> = {
  // The HTTP head itself.
  "head-too-large": [431, "RFC 6585 §5", "Cannot read head: it is over the size limit"],
  "too-many-headers": [431, "RFC 6585 §5", "Cannot read head: it has too many headers"],
  "target-too-long": [414, "RFC 9112 §3", "Cannot read head: the request line is over the size limit"],
  "request-line": [400, "RFC 9112 §3", "Cannot read head: the request line is malformed"],
  "status-line": [502, "RFC 9112 §4", "Cannot read head: the status line is malformed"],
  "header-line": [400, "RFC 9112 §5", "Cannot read head: a header line is malformed"],
  "http-version": [505, "RFC 9112 §2.3", "Cannot read head: the version is not HTTP/1.1"],
  "target": [400, "RFC 9112 §3.2", "Cannot serve request: its target is neither a path nor an http URL"],
  "host": [400, "RFC 9112 §3.2", "Cannot serve request: it needs exactly one valid Host header"],
  "framing": [400, "RFC 9112 §6.3", "Cannot serve request: the length of its body is ambiguous"],
  "length-required": [411, "RFC 9110 §15.5.12", "Cannot serve request: its body has no Content-Length"],
  "body-too-large": [413, "RFC 9110 §15.5.14", "Cannot serve request: its body is over the size limit"],
  "expectation": [417, "RFC 9110 §15.5.18", "Cannot serve request: it expects a 100 before its body"],
  "misdirected": [421, "RFC 9110 §7.4", "Cannot serve request: the option hosts does not allow its host"],
  "not-found": [404, "RFC 9110 §15.5.5", "Cannot upgrade: nothing is attached to its path"],
  "method-unsupported": [501, "RFC 9110 §9.1", "Cannot serve request: fetch cannot be given its method"],
  "timeout": [408, "RFC 9110 §15.5.9", "Cannot complete handshake: it took too long"],
  "ended": [400, "RFC 6455 §4", "Cannot complete handshake: the stream ended before it was complete"],
  // The upgrade, as a server sees it.
  "not-an-upgrade": [426, "RFC 6455 §4.2.1", "Cannot upgrade: the request does not ask for websocket"],
  "method": [405, "RFC 6455 §4.2.1", "Cannot upgrade: the method is not GET"],
  "connection-header": [400, "RFC 6455 §4.2.1", "Cannot upgrade: Connection does not say Upgrade"],
  "upgrade-body": [400, "RFC 6455 §4.2.1", "Cannot upgrade: the request has a body"],
  "key": [400, "RFC 6455 §4.2.1", "Cannot upgrade: it needs one Sec-WebSocket-Key of 16 bytes"],
  "version": [426, "RFC 6455 §4.2.2", "Cannot upgrade: Sec-WebSocket-Version is not 13"],
  "protocol-header": [400, "RFC 6455 §11.3.4", "Cannot upgrade: Sec-WebSocket-Protocol is malformed"],
  "extensions-header": [400, "RFC 6455 §9.1", "Cannot upgrade: Sec-WebSocket-Extensions is malformed"],
  "origin": [403, "RFC 6455 §10.2", "Cannot upgrade: the origin is not allowed"],
  "overloaded": [503, "RFC 9110 §15.6.4", "Cannot upgrade: the server takes no more connections"],
  "internal": [500, "RFC 9110 §15.6.1", "Cannot serve request: the server failed"],
  // The upgrade, as a client sees the answer.
  "refused": [502, "RFC 6455 §4.1", "Cannot connect: the server did not answer with status 101"],
  "too-many-interim": [502, "RFC 9110 §15.2", "Cannot connect: the server sent too many interim responses"],
  "unreachable": [502, "RFC 6455 §4.1", "Cannot connect: no connection to the server could be made"],
  "upgrade-missing": [502, "RFC 6455 §4.1", "Cannot connect: the answer does not upgrade to websocket"],
  "accept-mismatch": [502, "RFC 6455 §4.1", "Cannot connect: Sec-WebSocket-Accept does not fit the key"],
  "protocol-not-offered": [502, "RFC 6455 §4.1", "Cannot connect: the server chose a protocol not offered"],
  "extension-not-offered": [
    502,
    "RFC 6455 §4.1",
    "Cannot connect: the server chose an extension not offered",
  ],
  "aborted": [499, "RFC 6455 §4", "Cannot complete handshake: it was aborted on this side"],
};

/** Names a row of the table of handshake faults. */
export type HandshakeErrorCode =
  | "head-too-large"
  | "too-many-headers"
  | "target-too-long"
  | "request-line"
  | "status-line"
  | "header-line"
  | "http-version"
  | "target"
  | "host"
  | "framing"
  | "length-required"
  | "body-too-large"
  | "expectation"
  | "misdirected"
  | "not-found"
  | "method-unsupported"
  | "timeout"
  | "ended"
  | "not-an-upgrade"
  | "method"
  | "connection-header"
  | "upgrade-body"
  | "key"
  | "version"
  | "protocol-header"
  | "extensions-header"
  | "origin"
  | "overloaded"
  | "internal"
  | "refused"
  | "too-many-interim"
  | "unreachable"
  | "upgrade-missing"
  | "accept-mismatch"
  | "protocol-not-offered"
  | "extension-not-offered"
  | "aborted";

/** What a {@linkcode HandshakeError} may have in place of what its row says, and besides. */
export interface HandshakeErrorOptions extends ErrorOptions {
  /** The HTTP status. */
  status?: number | undefined;
  /** The whole message. */
  message?: string;
  /** What the server answered. */
  response?: Response | undefined;
}

/** Tells why an opening handshake failed, on either side. */
export class HandshakeError extends Error {
  /** `"HandshakeError"`. */
  override readonly name: string = "HandshakeError";
  /** The fault, as a word that does not change between versions. */
  readonly code: HandshakeErrorCode;
  /**
   * The HTTP status: on a server what it answers, on a client whose upgrade was `"refused"` what the server answered, and
   * else `undefined` on a client.
   */
  readonly status: number | undefined;
  /** The section of the RFC that was broken. */
  readonly section: string;
  /** What the server answered to a client whose upgrade was `"refused"`, with at most 64 KiB of its body. */
  readonly response: Response | undefined;

  /**
   * Makes the error of one row of the table.
   *
   * @param code The row.
   * @param options `status` and `message`: in place of the row's own; `cause`: what led to it; `response`: what the server
   *   answered.
   */
  constructor(code: HandshakeErrorCode, options: HandshakeErrorOptions = {}) {
    const [status, section, message] = HANDSHAKE_FAULTS[code];
    super(options.message ?? message, options);
    this.code = code;
    this.status = "status" in options ? options.status : status;
    this.section = section;
    this.response = options.response;
  }
}
