// The demo on Bun. Only the `serve` that it hands over is Bun's.

import { serve } from "../../lib/adapters/bun.ts"; // from the package: "@sluice/websocket/bun"
import { runDemo } from "./main.ts";

await runDemo(serve);
