/**
 * Plain HTTP on the port of a WebSocket server: one request, one response, `Connection: close`.
 *
 * @module
 */

import { writeResponse } from "../connection/http_answer.ts";
import { receiveBody } from "../connection/request_body.ts";
import { type ByteChannel, LEFT_GRACE } from "../connection/byte_channel.ts";
import type { Reception } from "../connection/reception.ts";
import { isResponse } from "../connection/response_shape.ts";
import { HandshakeError } from "../errors.ts";
import { isServerWide } from "../handshake/request_url.ts";
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
  reception: Reception<C>,
  settings: ServerSettings<C>,
): Promise<void> {
  const { channel, opening: { head, url } } = reception;
  const { fetch, limits, maxBodySize, onError } = settings;
  const timeout = limits.handshakeTimeout;
  // It is about the server and none of its resources, and no URL that `fetch` could be given says so.
  if (isServerWide(head)) return await writeResponse(channel, new Response(null), { timeout });
  if (fetch === undefined) throw new HandshakeError("not-an-upgrade");
  if (!isSupportedMethod(head.method)) throw new HandshakeError("method-unsupported");
  const body = await receiveBody(reception, { maxBodySize, timeout });
  const left = new AbortController();
  channel.onLeft = (reason) => left.abort(reason);
  try {
    const request = makeRequest(head.method, url, head.headers.toHeaders(), body, left.signal);
    const response: unknown = await ask(channel, async () => await fetch(request));
    if (!isResponse(response)) {
      throw new TypeError("Cannot answer request: fetch returned no Response");
    }
    await writeResponse(channel, response, {
      timeout,
      headOnly: head.method === "HEAD",
      chunked: head.httpVersion !== "1.0",
    });
  } catch (error) {
    // That a client left is not the user's fault.
    if (error === channel.left) throw error;
    onError(error, { stage: "fetch" });
    throw new HandshakeError("internal", { cause: error });
  } finally {
    channel.onLeft = undefined;
  }
}

/** Asks for a response for as long as the client is there. One that comes later is thrown away. */
async function ask(channel: ByteChannel, run: () => Promise<unknown>): Promise<unknown> {
  const asked = run();
  try {
    return await channel.whileThere(asked, { grace: LEFT_GRACE });
  } catch (error) {
    if (error === channel.left) asked.then(discard).catch(ignore);
    throw error;
  }
}

async function discard(late: unknown): Promise<void> {
  if (isResponse(late)) await late.body?.cancel();
}

function ignore(): void {}

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
