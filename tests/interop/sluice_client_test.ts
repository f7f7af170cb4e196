import { runtimes } from "../support/runtimes.ts";
import { OTHER_SERVERS } from "./others.ts";
import { sluiceClient, sluiceServer, sluiceStreamClient, tryAll } from "./try_all.ts";

tryAll([
  { clients: runtimes.map(sluiceClient), servers: [...runtimes.map(sluiceServer), ...OTHER_SERVERS] },
  { clients: runtimes.map(sluiceStreamClient), servers: OTHER_SERVERS },
]);
