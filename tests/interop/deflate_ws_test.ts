import { runtimes } from "../support/runtimes.ts";
import { defaultServer, takeoverServer, WS_CLIENTS } from "./deflate_peers.ts";
import { LONG_SERIES, tryAll } from "./try_all.ts";

const [greedy, ...others] = WS_CLIENTS;

tryAll([
  { clients: [greedy], servers: runtimes.map(takeoverServer), series: LONG_SERIES, takeover: true },
  { clients: [greedy], servers: runtimes.map(defaultServer), takeover: false },
  { clients: others, servers: runtimes.map(takeoverServer) },
], { deflate: true });
