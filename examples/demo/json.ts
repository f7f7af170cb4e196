/**
 * Messages as JSON, and answers to plain requests: text and JSON that no cache keeps.
 *
 * @module
 */

import type { WebSocketConnection } from "../../lib/adapters/node.ts";

/** What the pages send: an object, of which nothing else is known. */
export type Fields = Readonly<Record<string, unknown>>;

/** Reads a connection's messages as objects; it is closed with 1007 by the first that is none. */
export async function* readObjects(socket: WebSocketConnection): AsyncGenerator<Fields> {
  for await (const message of socket) {
    const fields = parseObject(message);
    if (fields === undefined) return socket.close({ closeCode: 1007, reason: "Not a JSON object" });
    yield fields;
  }
}

/** Reads a message, or what a broker brought, as an object; `undefined` if it is none. */
export function parseObject(message: string | Uint8Array): Fields | undefined {
  try {
    const text = typeof message === "string" ? message : new TextDecoder().decode(message);
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value) ? value as Fields : undefined;
  } catch {
    return undefined;
  }
}

/** Takes a list of objects out of an object; what else is in the list is left out. */
export function objectsOf(fields: Fields, name: string): Fields[] {
  const value = fields[name];
  return Array.isArray(value) ? value.filter((one) => typeof one === "object" && one !== null) : [];
}

/** Takes a text out of an object: trimmed, cut to a length; empty if there is none. */
export function textOf(fields: Fields, name: string, limit: number): string {
  const value = fields[name];
  // Cut by code points: half of a surrogate pair is no character.
  return typeof value === "string" ? Array.from(value.trim()).slice(0, limit).join("") : "";
}

/** Answers with a text. */
export function textResponse(status: number, text: string, headers: Record<string, string> = {}): Response {
  return respond(status, new TextEncoder().encode(text), {
    "content-type": "text/plain; charset=utf-8",
    ...headers,
  });
}

/** Answers with JSON. */
export function jsonResponse(value: unknown, headers: Record<string, string> = {}): Response {
  return respond(200, new TextEncoder().encode(JSON.stringify(value)), {
    "content-type": "application/json",
    ...headers,
  });
}

function respond(
  status: number,
  body: Uint8Array<ArrayBuffer>,
  headers: Record<string, string>,
): Response {
  const common = { "cache-control": "no-store", "x-content-type-options": "nosniff" };
  return new Response(body, {
    status,
    headers: { ...common, "content-length": String(body.byteLength), ...headers },
  });
}
