/**
 * The opening handshake of a load: always the same bytes.
 *
 * @module
 */

const DEFLATE_OFFER = "Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover; " +
  "client_no_context_takeover; client_max_window_bits\r\n";

/** Makes the request for an upgrade. */
export function upgradeRequest(options: { deflate: boolean }): Uint8Array {
  return new TextEncoder().encode(
    "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
      "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n" +
      (options.deflate ? DEFLATE_OFFER : "") + "\r\n",
  );
}

const decoder = new TextDecoder("latin1");

/** Whether the response's head is complete. Throws if it is no upgrade, or if more than the head came. */
export function isUpgraded(bytes: Uint8Array): boolean {
  const head = decoder.decode(bytes);
  const end = head.indexOf("\r\n\r\n");
  if (end === -1) return false;
  if (!head.startsWith("HTTP/1.1 101")) throw new Error(`Cannot upgrade: ${head.split("\r\n")[0]}`);
  if (end + 4 !== head.length) throw new Error("Cannot load the server: it speaks first");
  return true;
}
