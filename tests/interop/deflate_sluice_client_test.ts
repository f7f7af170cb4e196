import { runtimes } from "../support/runtimes.ts";
import {
  BUN_SERVERS,
  defaultClients,
  streamClients,
  takeoverClients,
  takeoverServer,
  WS_SERVERS,
} from "./deflate_peers.ts";
import { OTHER_SERVERS } from "./others.ts";
import { LONG_SERIES, tryAll } from "./try_all.ts";

const [greedy, ...others] = WS_SERVERS;
const [shared, dedicated] = BUN_SERVERS;

tryAll([
  { clients: takeoverClients, servers: [greedy, dedicated], series: LONG_SERIES, takeover: true },
  { clients: takeoverClients, servers: runtimes.map(takeoverServer), takeover: true },
  { clients: takeoverClients, servers: [...others, shared] },
  { clients: [...defaultClients, ...streamClients], servers: [greedy, ...BUN_SERVERS] },
], { deflate: true });

// These have no compression, and the offer is declined.
tryAll([{ clients: takeoverClients, servers: OTHER_SERVERS }]);
