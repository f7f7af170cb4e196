// The demo on Node. Only the `serve` that it hands over is Node's.

import { serve } from "../../lib/adapters/node.ts"; // from the package: "@sluice/websocket/node"
import { runDemo } from "./main.ts";

await runDemo(serve);
