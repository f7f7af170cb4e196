/**
 * Plain HTTP on the port of a WebSocket server: one request, one response, `Connection: close`.
 *
 * @module
 */

import type { ReceivedRequest } from "../connection/accept.ts";
import { writeResponse } from "../connection/http_answer.ts";
import { isResponse } from "../connection/response_shape.ts";
import { Deadline } from "../connection/deadline.ts";
import { HandshakeError } from "../errors.ts";
import { requestUrl } from "../handshake/request_url.ts";
import { bodyLength } from "../handshake/server_handshake.ts";
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
  const { fetch, limits, onError } = settings;
  const url = requestUrl(head, { secure: channel.transport.secure });
  if (fetch === undefined) throw new HandshakeError("not-an-upgrade");
  if (!isSupportedMethod(head.method)) throw new HandshakeError("method-unsupported");
  const body = await receiveBody(received, settings);
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
      head: head.method === "HEAD",
    });
  } catch (error) {
    if (error instanceof HandshakeError) throw error;
    onError(error, { stage: "fetch" });
    throw new HandshakeError("internal", { cause: error });
  }
}

/** Reads the body, of which a part has come with the head. */
async function receiveBody<C>(
  { channel, head, rest }: ReceivedRequest,
  { maxBodySize, limits }: ServerSettings<C>,
): Promise<Uint8Array<ArrayBuffer>> {
  const length = bodyLength(head);
  if (length > maxBodySize) throw new HandshakeError("body-too-large");
  if (length > 0 && head.headers.has("expect")) throw new HandshakeError("expectation");
  const body = new Uint8Array(length);
  const deadline = new Deadline(limits.handshakeTimeout, () => channel.fail(new HandshakeError("timeout")));
  try {
    let size = 0;
    for (let part: Uint8Array | undefined = rest; part !== undefined; part = await channel.read()) {
      // What lies behind the body would be another request, and we answer one.
      body.set(part.subarray(0, length - size), size);
      size += part.length;
      if (size >= length) return body;
    }
  } finally {
    deadline.stop();
  }
  throw new HandshakeError("ended");
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
