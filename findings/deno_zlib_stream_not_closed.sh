#!/usr/bin/env bash
# A node:zlib stream that is dropped without close() is never freed by Deno, not even by a forced collection.
#
# Versions: deno 2.9.6, node 26.10.0, bun 1.4.4, from npm, on Linux x64.
# Behaviour: Node and Bun free what zlib holds (about 200 KiB for a compressor of these parameters) when the stream
#   object is collected. Deno keeps it until the process ends, while the heap stays small: one compressor for each of
#   10,000 clients that came and went is 2 GB.
# Seen: 1,000 streams after 1,000 others, all dropped and collected: deno grows by about 200 MiB, node and bun by less
#   than 60. With close() deno grows by less than 20.
# Fails if that changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --no-audit --no-fund --silent deno@2.9.6 node@26.10.0 bun@1.4.4 >/dev/null 2>&1
cat > streams.mjs <<'JS'
import process from "node:process";
import { createDeflateRaw } from "node:zlib";
const closes = process.argv[2] === "close";
const collect = globalThis.gc ?? globalThis.Bun.gc;
async function make(count) {
  for (let i = 0; i < count; i++) {
    const stream = createDeflateRaw({ windowBits: 15, memLevel: 8, level: 1 });
    stream.resume();
    stream.write("a message of many ");
    await new Promise((resolve) => stream.flush(resolve));
    if (closes) await new Promise((resolve) => stream.close(resolve));
  }
  for (let i = 0; i < 3; i++) {
    collect(true);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
await make(1000);
const before = process.memoryUsage.rss();
await make(1000);
console.log(Math.round((process.memoryUsage.rss() - before) / 1048576));
JS
bin=node_modules/.bin
deno=$("$bin/deno" run -A --v8-flags=--expose-gc streams.mjs)
closed=$("$bin/deno" run -A --v8-flags=--expose-gc streams.mjs close)
node=$("$bin/node" --expose-gc streams.mjs)
bun=$("$bin/bun" streams.mjs)
echo "grown by MiB: deno $deno, deno with close() $closed, node $node, bun $bun"
[ "$deno" -gt 120 ] && [ "$closed" -lt 20 ] && [ "$node" -lt 60 ] && [ "$bun" -lt 60 ]
