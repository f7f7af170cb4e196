import { requires } from "../support/requires.ts";
import { runtimes } from "../support/runtimes.ts";
import { OTHER_CLIENTS, OTHER_SERVERS } from "./others.ts";
import { sluiceClient, sluiceServer, tryAll } from "./try_all.ts";

tryAll([
  { clients: OTHER_CLIENTS, servers: runtimes.map(sluiceServer) },
  { clients: runtimes.map(sluiceClient), servers: OTHER_SERVERS },
], { secure: true, ...requires("openssl") });
