#!/usr/bin/env bash
# Deno's BroadcastChannel drops messages without a word when a burst goes to another thread.
#
# Versions: deno 2.9.6, node 26.10.0, bun 1.4.4, from npm, on Linux x64.
# Behaviour: a main thread posts 5,000 numbers on a BroadcastChannel in one turn; a worker thread has its handler set.
#   The HTML standard queues a task for each message and each receiver, so all should arrive. Node and Bun deliver all
#   5,000; Deno delivers several hundred, in order and with gaps, and reports neither an error nor `messageerror`.
#   Bursts of 200 arrive whole.
# Seen: node 5000 of 5000, bun 5000 of 5000, deno 322 of 1000 and 774 of 5000 (the number varies from run to run).
# Fails if Deno delivers everything, or another runtime does not.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --no-audit --no-fund --silent deno@2.9.6 node@26.10.0 bun@1.4.4 >/dev/null 2>&1
cat > burst.mjs <<'JS'
import process from "node:process";
import { isMainThread, parentPort, Worker } from "node:worker_threads";
const COUNT = 5_000;
if (isMainThread) {
  const worker = new Worker(new URL(import.meta.url));
  worker.on("message", (message) => {
    if (message === "ready") {
      const channel = new BroadcastChannel("burst");
      for (let i = 0; i < COUNT; i++) channel.postMessage(i);
      setTimeout(() => worker.postMessage("report"), 3_000);
    } else {
      console.log(message);
      process.exit(0);
    }
  });
} else {
  let count = 0;
  const channel = new BroadcastChannel("burst");
  channel.onmessage = () => count++;
  parentPort.on("message", () => parentPort.postMessage(count));
  parentPort.postMessage("ready");
}
JS
bin=node_modules/.bin
node=$("$bin/node" burst.mjs)
bun=$("$bin/bun" burst.mjs)
deno=$("$bin/deno" run -A burst.mjs)
echo "node $node, bun $bun, deno $deno of 5000"
[ "$node" -eq 5000 ] && [ "$bun" -eq 5000 ] && [ "$deno" -lt 5000 ]
