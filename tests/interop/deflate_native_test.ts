import { runtimes } from "../support/runtimes.ts";
import { defaultServer, DENO_CLIENT, NATIVE_CLIENTS, takeoverServer } from "./deflate_peers.ts";
import { tryAll } from "./try_all.ts";

tryAll([
  { clients: NATIVE_CLIENTS, servers: runtimes.map(takeoverServer), series: 10_000, takeover: true },
  { clients: NATIVE_CLIENTS, servers: runtimes.map(defaultServer), takeover: false },
], { deflate: true });

// Deno's own offers no compression, and gets none.
tryAll([{ clients: [DENO_CLIENT], servers: runtimes.map(takeoverServer) }]);
