/**
 * Recognizing a `Response` by its shape. `instanceof` does not do: the class may come from a package such as undici, or
 * a framework may have replaced the global one.
 *
 * @module
 */

/** The part of a `Response` that is looked at. */
interface ResponseShape {
  readonly status?: unknown;
  readonly headers?: unknown;
  readonly body?: unknown;
}

/**
 * Tells whether a value is a `Response`: a numeric status, headers that can be iterated, and a body that is a stream or
 * null.
 */
export function isResponse(value: unknown): value is Response {
  if (!hasStatus(value)) return false;
  const { headers, body } = value;
  return isObject(headers) && typeof (headers as Partial<Headers>)[Symbol.iterator] === "function" &&
    (body === null || (isObject(body) && typeof (body as Partial<ReadableStream>).getReader === "function"));
}

/**
 * Reads what a function of the user's returned to refuse or accept: a response, or something else.
 *
 * @param name The function.
 * @param value What it returned.
 * @returns The response; `undefined` for anything else.
 * @throws {TypeError} If the value has a numeric status but is not a response: it was probably meant to be one.
 */
export function readResponse(name: string, value: unknown): Response | undefined {
  if (isResponse(value)) return value;
  if (!hasStatus(value)) return undefined;
  throw new TypeError(
    `Cannot answer request: ${name} returned an object with a status that is not a Response, such as new Response("Forbidden", { status: 403 })`,
  );
}

function hasStatus(value: unknown): value is ResponseShape {
  return isObject(value) && typeof (value as ResponseShape).status === "number";
}

function isObject(value: unknown): value is object {
  return (typeof value === "object" && value !== null) || typeof value === "function";
}
