/**
 * How many bytes requests, responses and frames have on the wire, told from what they say.
 *
 * @module
 */

/** What answers an upgrade: the status line and three headers, of which one is as long as a digest in base64. */
const UPGRADE_ANSWER =
  "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n".length +
  "Sec-WebSocket-Accept: \r\n\r\n".length + 28;

/** A request's head, and with it a request without a body. */
export function requestSize(
  { method, url, headers }: { method: string; url: string | URL; headers: Headers },
): number {
  const { pathname, search } = new URL(url);
  return `${method} ${pathname}${search} HTTP/1.1\r\n`.length + headersSize(headers);
}

/** A response of the server's, which closes each connection. */
export function responseSize({ status, headers }: Response, body: number): number {
  return `HTTP/1.1 ${status} OK\r\nConnection: close\r\n`.length + headersSize(headers) + body;
}

/** An upgrade and what accepts it. */
export function handshakeSize(request: { method: string; url: URL; headers: Headers }): number {
  return requestSize(request) + UPGRADE_ANSWER;
}

/** A frame that a server sends: it is not masked (RFC 6455 §5.2). */
export function frameSize(payload: number): number {
  return payload + (payload < 126 ? 2 : payload < 65_536 ? 4 : 10);
}

function headersSize(headers: Headers): number {
  let size = 2; // the empty line
  for (const [name, value] of headers) size += name.length + value.length + 4; // ": " and the line's end
  return size;
}
