/**
 * Who has logged in: a name by a form, then a cookie.
 *
 * @module
 */

import { textOf, textResponse } from "./json.ts";
import type { Session, Store } from "./store.ts";

/** How long a name may be, in characters. */
const MAX_NAME = 24;

/** What a request for a page and one for a WebSocket have in common. */
interface WithCookie {
  readonly url: string | URL;
  readonly headers: Headers;
}

/** Logs people in, and knows them again. */
export interface Sessions {
  /** Answers the form: a cookie, and back to the page. */
  logIn(request: Request): Promise<Response>;
  /** Finds the session that a request's cookie names. */
  find(request: WithCookie): Session | undefined;
}

/** Keeps sessions in a store. */
export function sessionsIn(store: Store): Sessions {
  return {
    async logIn(request) {
      const name = textOf({ name: (await readForm(request)).get("name") }, "name", MAX_NAME);
      if (name === "") return textResponse(400, "A name needs at least one character.\n");
      const id = crypto.randomUUID();
      store.addSession(id, { voter: crypto.randomUUID(), name });
      // No script can read it (HttpOnly), and no other site's form sends it (SameSite).
      const cookie = `${cookieName(request.url)}=${id}; Path=/; HttpOnly; SameSite=Strict`;
      return textResponse(303, "Logged in.\n", { "set-cookie": cookie, location: "/vote" });
    },
    find({ url, headers }) {
      const name = cookieName(url);
      for (const cookie of (headers.get("cookie") ?? "").split(";")) {
        const [key, value] = cookie.trim().split("=", 2);
        if (key === name && value !== undefined) return store.session(value);
      }
      return undefined;
    },
  };
}

/** Reads a form as a browser sends it by default. */
export async function readForm(request: Request): Promise<URLSearchParams> {
  return new URLSearchParams(await request.text());
}

/** Cookies do not know of ports: two demos on one host would take each other's. */
function cookieName(url: string | URL): string {
  return `session-${new URL(url).port || "default"}`;
}
