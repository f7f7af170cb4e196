// The demo on Deno. Only the `serve` that it hands over is Deno's.

import { serve } from "../../lib/adapters/deno.ts"; // from the package: "@sluice/websocket/deno"
import { runDemo } from "./main.ts";

await runDemo(serve);
