/**
 * The pages of the demo: the files of `public/`, the same on Node, Deno and Bun.
 *
 * @module
 */

import { readdir, readFile } from "node:fs/promises";

const PUBLIC = new URL("./public/", import.meta.url);

const CONTENT_TYPES: Record<string, string> = {
  css: "text/css; charset=utf-8",
  html: "text/html; charset=utf-8",
  js: "text/javascript; charset=utf-8",
  svg: "image/svg+xml",
};

// No script but ours runs, whatever people type. `connect-src` names whole schemes because the address field of the
// echo console may hold any server.
const CONTENT_SECURITY_POLICY = [
  "default-src 'self'",
  "connect-src 'self' ws: wss:",
  "object-src 'none'",
  "base-uri 'none'",
  "form-action 'self'",
  "frame-ancestors 'none'",
].join("; ");

interface Page {
  readonly file: URL;
  readonly type: string;
}

// Only what is listed here is ever opened: a path that a client sends is looked up, never joined to a folder.
const PAGES: ReadonlyMap<string, Page> = await listPages();

/**
 * Answers a plain HTTP request with a file of the site.
 *
 * @param request The request: GET or HEAD, anything else gets 405.
 * @returns The file, or a short text saying why there is none.
 */
export async function site(request: Request): Promise<Response> {
  const withBody = request.method === "GET";
  if (!withBody && request.method !== "HEAD") {
    return plain(405, "Method not allowed: this site answers GET and HEAD.\n", { allow: "GET, HEAD" });
  }
  const page = PAGES.get(new URL(request.url).pathname);
  if (page === undefined) return plain(404, "Not found.\n", {}, withBody);
  // Read each time, so that an edit shows on reload without a restart.
  const body = await readFile(page.file);
  return respond(200, body, { "content-type": page.type }, withBody);
}

async function listPages(): Promise<Map<string, Page>> {
  const pages = new Map<string, Page>();
  for (const entry of await readdir(PUBLIC, { withFileTypes: true })) {
    const type = CONTENT_TYPES[entry.name.slice(entry.name.lastIndexOf(".") + 1)];
    if (!entry.isFile() || type === undefined) continue;
    pages.set(pathOf(entry.name), { file: new URL(entry.name, PUBLIC), type });
  }
  return pages;
}

/** A page has no ending in its address: `/chat` is `chat.html` to a browser, and a room to its WebSocket. */
function pathOf(name: string): string {
  if (name === "index.html") return "/";
  return `/${name.replace(/\.html$/, "")}`;
}

function plain(status: number, text: string, headers: Record<string, string>, withBody = true): Response {
  const body = new TextEncoder().encode(text);
  return respond(status, body, { "content-type": "text/plain; charset=utf-8", ...headers }, withBody);
}

function respond(
  status: number,
  body: Uint8Array<ArrayBuffer>,
  headers: Record<string, string>,
  withBody: boolean,
): Response {
  return new Response(withBody ? body : null, {
    status,
    headers: {
      "cache-control": "no-cache",
      "content-length": String(body.byteLength),
      "content-security-policy": CONTENT_SECURITY_POLICY,
      // Not "no-referrer": with that, browsers send `Origin: null` with a page's own forms.
      "referrer-policy": "same-origin",
      "x-content-type-options": "nosniff",
      ...headers,
    },
  });
}
