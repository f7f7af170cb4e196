/**
 * Plain HTTP on the port of a WebSocket server: one request, one response, `Connection: close`.
 *
 * @module
 */

import type { ReceivedRequest } from "../connection/accept.ts";
import { writeResponse } from "../connection/http_answer.ts";
import { receiveBody } from "../connection/request_body.ts";
import { isResponse } from "../connection/response_shape.ts";
import { HandshakeError } from "../errors.ts";
import { requestUrl } from "../handshake/request_url.ts";
import type { ServerSettings } from "./serve_options.ts";

/** The methods that the `Request` of every runtime takes as they are. */
const COMMON: ReadonlySet<string> = new Set(["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"]);
/** The methods that the Fetch standard has no requests for; some runtimes make them all the same. */
const FORBIDDEN: ReadonlySet<string> = new Set(["CONNECT", "TRACE", "TRACK"]);

/**
 * Answers a request that is no upgrade.
 *
 * @throws {HandshakeError} If the request is wrong, or too large, or there is no `fetch` to answer it.
 */
export async function answerRequest<C>(
  received: ReceivedRequest,
  settings: ServerSettings<C>,
): Promise<void> {
  const { channel, head } = received;
  const { fetch, limits, maxBodySize, onError } = settings;
  const url = requestUrl(head, { secure: channel.transport.secure });
  if (fetch === undefined) throw new HandshakeError("not-an-upgrade");
  if (!isSupportedMethod(head.method)) throw new HandshakeError("method-unsupported");
  const body = await receiveBody(received, { maxBodySize, timeout: limits.handshakeTimeout });
  const left = new AbortController();
  channel.onGone = () => left.abort(new HandshakeError("ended"));
  let response: Response;
  try {
    response = await fetch(makeRequest(head.method, url, head.headers.toHeaders(), body, left.signal));
    if (!isResponse(response)) {
      throw new TypeError("Cannot answer request: fetch returned no Response");
    }
    await writeResponse(channel, response, {
      timeout: limits.handshakeTimeout,
      headOnly: head.method === "HEAD",
    });
  } catch (error) {
    // That a client left is not the user's fault.
    if (error !== left.signal.reason) onError(error, { stage: "fetch" });
    throw new HandshakeError("internal", { cause: error });
  }
}

/**
 * Tells whether `fetch` would see the method that was sent. Methods are case-sensitive (RFC 9110 §9.1), but `Request`
 * writes some in upper case, and Bun's makes a GET of every method that it does not know.
 */
function isSupportedMethod(method: string): boolean {
  if (COMMON.has(method)) return true;
  if (FORBIDDEN.has(method.toUpperCase())) return false;
  try {
    return new Request("http://localhost/", { method }).method === method;
  } catch {
    return false;
  }
}

function makeRequest(
  method: string,
  url: string,
  headers: Headers,
  body: Uint8Array<ArrayBuffer>,
  signal: AbortSignal,
): Request {
  // A Request cannot have a body with GET or HEAD, and HTTP gives it no meaning there (RFC 9110 §9.3.1).
  const hasBody = body.length > 0 && method !== "GET" && method !== "HEAD";
  return new Request(url, { method, headers, signal, ...hasBody && { body } });
}
