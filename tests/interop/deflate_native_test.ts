import { runtimes } from "../support/runtimes.ts";
import { defaultServer, DENO_CLIENT, NATIVE_CLIENTS, takeoverServer } from "./deflate_peers.ts";
import { LONG_SERIES, tryAll } from "./try_all.ts";

tryAll([
  { clients: NATIVE_CLIENTS, servers: runtimes.map(takeoverServer), series: LONG_SERIES, takeover: true },
  { clients: NATIVE_CLIENTS, servers: runtimes.map(defaultServer), takeover: false },
], { deflate: true });

// Deno's own offers no compression, and gets none.
tryAll([{ clients: [DENO_CLIENT], servers: runtimes.map(takeoverServer) }]);
