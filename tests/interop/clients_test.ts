import { runtimes } from "../support/runtimes.ts";
import { OTHER_CLIENTS } from "./others.ts";
import { sluiceServer, tryAll } from "./try_all.ts";

tryAll([{ clients: OTHER_CLIENTS, servers: runtimes.map(sluiceServer) }]);
