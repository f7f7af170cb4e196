#!/usr/bin/env bash
# Bun forgets the Content-Type of a Response whose body was asked for before its headers.
#
# Versions: bun 1.4.4, node 26.10.0, deno 2.9.6, from npm, on Linux x64.
# Behaviour: a Response made of a Blob, of URLSearchParams or of FormData gets its Content-Type from the body (Fetch
#   standard, "initialize a response"). It must not matter what is read first. On Bun, reading `response.body` before
#   `response.headers` leaves the header out: for FormData that loses the boundary, without which nobody can read it.
#   A clone, and a Request, keep theirs.
# Seen: node and deno "text/csv application/x-www-form-urlencoded multipart/form-data", bun "null null null"; with the
#   headers read first all three have the types.
# Fails if that changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --no-audit --no-fund --silent bun@1.4.4 node@26.10.0 deno@2.9.6 >/dev/null 2>&1
cat > types.mjs <<'JS'
import process from "node:process";
const form = () => {
  const data = new FormData();
  data.set("a", "b");
  return data;
};
const bodies = [() => new Blob(["a,b"], { type: "text/csv" }), () => new URLSearchParams({ a: "b" }), form];
const types = bodies.map((make) => {
  const response = new Response(make());
  if (process.argv[2] === "body") response.body;
  return response.headers.get("content-type")?.split(";")[0] ?? null;
});
console.log(types.join(" "));
JS
bin=node_modules/.bin
all="text/csv application/x-www-form-urlencoded multipart/form-data"
# A join writes null as nothing.
none="  "
for first in headers body; do
  node=$("$bin/node" types.mjs $first)
  deno=$("$bin/deno" run -A types.mjs $first)
  bun=$("$bin/bun" types.mjs $first)
  echo "$first first: node [$node], deno [$deno], bun [$bun]"
  [ "$node" = "$all" ] && [ "$deno" = "$all" ]
  if [ $first = body ]; then [ "$bun" = "$none" ]; else [ "$bun" = "$all" ]; fi
done
