import { requires } from "../support/requires.ts";
import { runtimes } from "../support/runtimes.ts";
import { sluiceClient, sluiceServer, tryAll } from "./try_all.ts";

const name = "Python's websockets";

tryAll([
  {
    clients: [{ name, client: "websockets", runtime: "python", pings: true }],
    servers: runtimes.map(sluiceServer),
  },
  {
    clients: runtimes.map(sluiceClient),
    servers: [{ name, runtime: "python", script: "../interop/python_server.py", pings: true }],
  },
], requires("python3-websockets"));
