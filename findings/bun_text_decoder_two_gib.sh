#!/usr/bin/env bash
# Bun's TextDecoder makes an empty string of 2 GiB of ASCII, without an error.
#
# Versions: bun 1.4.4, node 26.10.0, from npm, on Linux x64; needs 6 GiB of memory.
# Behaviour: an engine whose strings cannot be that long has to say so. Node throws from 512 MiB on. Bun decodes
#   2^31 - 1 bytes, and from 2^31 bytes on returns "": the text is gone, and nothing tells.
# Seen: bun 2147483647 -> 2147483647, 2147483648 -> 0; node throws an Error for both.
# Fails if that changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --no-audit --no-fund --silent bun@1.4.4 node@26.10.0 >/dev/null 2>&1
cat > decode.mjs <<'JS'
import process from "node:process";
try {
  console.log(new TextDecoder().decode(new Uint8Array(Number(process.argv[2])).fill(0x61)).length);
} catch (error) {
  console.log("throws");
}
JS
bin=node_modules/.bin
below=$("$bin/bun" decode.mjs 2147483647)
at=$("$bin/bun" decode.mjs 2147483648)
node=$("$bin/node" decode.mjs 2147483648)
echo "bun: 2147483647 bytes -> $below, 2147483648 bytes -> $at; node: $node"
[ "$below" = 2147483647 ] && [ "$at" = 0 ] && [ "$node" = throws ]
