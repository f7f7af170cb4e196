import { requires } from "../support/requires.ts";
import { runtimes } from "../support/runtimes.ts";
import {
  defaultClients,
  defaultServer,
  PYTHON_CLIENT,
  PYTHON_SERVER,
  takeoverClients,
  takeoverServer,
} from "./deflate_peers.ts";
import { LONG_SERIES, tryAll } from "./try_all.ts";

tryAll([
  { clients: [PYTHON_CLIENT], servers: runtimes.map(takeoverServer), series: LONG_SERIES, takeover: true },
  { clients: [PYTHON_CLIENT], servers: runtimes.map(defaultServer), takeover: false },
  { clients: takeoverClients, servers: [PYTHON_SERVER], series: LONG_SERIES, takeover: true },
  { clients: defaultClients, servers: [PYTHON_SERVER], takeover: false },
], { deflate: true, ...requires("python3-websockets") });
