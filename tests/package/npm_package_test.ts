import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { assert, assertEquals } from "#std/assert";
import { build } from "esbuild";
import jsr from "../../deno.json" with { type: "json" };
import manifest from "../../package.json" with { type: "json" };
import { root } from "../architecture/source.ts";
import { openBrowser, visit } from "../examples/browser.ts";
import { requires } from "../support/requires.ts";
import { addModule, installPackage } from "./installed.ts";
import { fetchNode, OLDER_NODES } from "./nodes.ts";
import { slowdown } from "../support/patience.ts";

const { folder, tarball, files, size, unpackedSize } = installPackage();
const [node, deno] = [[process.execPath], ["deno", "run", "-A"]] as const;

/** Runs a program in the user's folder, and returns what it writes; throws with all of it if it fails. */
function run(program: string, ...args: string[]): string {
  try {
    return execFileSync(program, args, {
      cwd: folder,
      encoding: "utf8",
      timeout: Math.ceil(50_000 * slowdown()),
      stdio: "pipe",
    });
  } catch (error) {
    const { stdout, stderr } = error as { stdout: string; stderr: string };
    throw new Error(`${program} ${args.join(" ")} failed:\n${stdout}${stderr}`);
  }
}

/** Runs a program of the project's dev dependencies on the packed tarball. */
function runTool(name: string, ...args: string[]): string {
  return run(process.execPath, join(root, "node_modules", name), ...args);
}

/** Runs the small server and client, and checks that all came out. */
function echoes(entry: string, version: string | undefined, program: string, ...args: string[]): void {
  const { version: told, ...result } = JSON.parse(run(program, ...args, "echo.mjs", entry));
  if (version !== undefined) assertEquals(told, version);
  assertEquals(result, {
    echoed: ["text", 70_000],
    closed: { closeCode: 4000, reason: "done" },
    face: [4001, "face"],
    streams: true,
    error: "aborted",
  });
}

test("npm pack holds the scripts with their maps, the declarations that a user reaches, and what the README links to", () => {
  console.log(`${files.length} files, ${size} bytes packed, ${unpackedSize} unpacked`);
  const outside = files.map(({ path }) => path).filter((path) => !path.startsWith("dist/"));
  const others = outside.filter((path) => !/^(?:docs|examples)\//.test(path));
  const pages = ["ARCHITECTURE", "CHANGELOG", "CONTRIBUTING", "README", "SECURITY", "bench/README"];
  assertEquals(others.sort(), ["LICENSE", ...pages.map((name) => `${name}.md`), "package.json"].sort());
  const readme = readFileSync(join(root, "README.md"), "utf8");
  const links = [...readme.matchAll(/\]\(([^)#\s]+)[^)]*\)|(?:src|srcset)="([^"]+)"/g)].map(([, a, b]) =>
    a ?? b!
  );
  const dead = links.filter((link) =>
    !/^https:/.test(link) && !outside.some((path) => path.startsWith(link))
  );
  assertEquals(dead, []);
  const inside = files.map(({ path }) => path).filter((path) => path.startsWith("dist/"));
  assertEquals(inside.filter((path) => !/\.(?:js|js\.map|d\.ts)$/.test(path)), []);
  // Half of it is the sources in the maps, a third the pictures of the README.
  assert(size < 720_000, `the tarball has ${size} bytes`);
});

test("the npm package exports what the JSR package exports, and depends on nothing", () => {
  const { exports } = manifest;
  assertEquals(Object.keys(exports).filter((entry) => entry !== "./package.json"), Object.keys(jsr.exports));
  for (const [entry, path] of Object.entries(jsr.exports)) {
    const script = path.replace(/^\.\/(.*)\.ts$/, "./dist/$1");
    const { types, default: code } = exports[entry as keyof typeof jsr.exports];
    assertEquals([types, code], [`${script}.d.ts`, `${script}.js`]);
  }
  const fields = [
    "dependencies",
    "peerDependencies",
    "optionalDependencies",
    "bundleDependencies",
    "private",
  ];
  assertEquals(fields.filter((field) => field in manifest), []);
  assertEquals(manifest.sideEffects, false);
});

test("each command of CONTRIBUTING installs what it needs first", () => {
  const scripts: Readonly<Record<string, string>> = manifest.scripts;
  const page = readFileSync(join(root, "CONTRIBUTING.md"), "utf8");
  const commands = [...page.matchAll(/^npm (?:run )?([\w:]+)/gm)].map(([, name]) => name!);
  assert(commands.length >= 8, `${commands.length} commands`);
  const bare = commands.filter((name) => !scripts[`pre${name}`]?.startsWith("npm install "));
  assertEquals(bare, []);
});

test("publint finds nothing", () => {
  const told = runTool("publint/src/cli.js", "run", tarball, "--strict");
  assert(told.includes("All good!"), told);
});

// There is no CommonJS in it, which Node 22 and newer does not miss: it can require() a module. The old resolution
// that knows no `exports` is out as well, as everywhere where there are subpaths.
test("attw finds nothing for those who import modules", () => {
  const told = runTool("@arethetypeswrong/cli/dist/index.js", tarball, "--profile", "esm-only");
  assertEquals(told.match(/node16 \(from ESM\): 🟢 \(ESM\)/g)?.length, Object.keys(jsr.exports).length);
});

test("no script imports what is not in the package but node's modules", () => {
  const scripts = files.map(({ path }) => path).filter((path) => path.endsWith(".js"));
  assert(scripts.length > Object.keys(jsr.exports).length);
  const imported = scripts.flatMap((path) => {
    const text = readFileSync(join(folder, "node_modules", manifest.name, path), "utf8");
    return [...text.matchAll(/^(?:import|\} from|export .* from)\b[^"]*"([^"]+)"/gm)].map(([, name]) =>
      name!
    );
  });
  assertEquals([...new Set(imported)].filter((name) => !/^(?:\.|node:)/.test(name)), []);
  assert(imported.includes("node:net") && imported.some((name) => name.startsWith(".")));
});

const CONSUMERS = {
  "Node's types, and no DOM": { lib: ["es2023", "esnext.disposable"], types: ["node"] },
  "the DOM library, and no types of Node": { lib: ["es2023", "esnext.disposable", "dom"], types: [] },
  "both": { lib: ["es2023", "esnext.disposable", "dom"], types: ["node"] },
};

for (const [name, options] of Object.entries(CONSUMERS)) {
  test(`the types of every entry point check without skipLibCheck, with ${name}`, () => {
    if (!readdirSync(join(folder, "node_modules")).includes("@types")) {
      addModule(folder, "@types/node");
      addModule(folder, "undici-types");
    }
    const entries = Object.keys(jsr.exports).map((entry) => manifest.name + entry.slice(1));
    const lines = entries.map((entry, i) => `export * as entry${i} from "${entry}";`);
    writeFileSync(join(folder, "every_entry.ts"), lines.join("\n"));
    const compilerOptions = {
      ...options,
      target: "es2023",
      module: "nodenext",
      strict: true,
      exactOptionalPropertyTypes: true,
      noEmit: true,
      skipLibCheck: false,
    };
    writeFileSync(
      join(folder, "tsconfig.json"),
      JSON.stringify({ compilerOptions, files: ["every_entry.ts"] }),
    );
    assertEquals(runTool("typescript/bin/tsc", "-p", folder), "");
  });
}

for (const version of OLDER_NODES) {
  test(`installed, a server and its client run on Node ${version}`, () => {
    echoes("node", version, fetchNode(version));
  });
}

test("installed, a server and its client run on this version of Node", () =>
  echoes("node", process.versions.node, ...node));
test("installed, a server and its client run on Deno", () => echoes("deno", undefined, ...deno));
test("installed, a server and its client run on Bun", () => echoes("bun", undefined, "bun"));
test("installed, the entry point for Node runs on Deno", () => echoes("node", undefined, ...deno));
test("installed, the entry point for Node runs on Bun", () => echoes("node", undefined, "bun"));

/** Bundles something in the user's folder as its bundler would, minified. */
async function bundle(contents: string, platform: "browser" | "node"): Promise<Uint8Array> {
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: folder },
    bundle: true,
    minify: true,
    write: false,
    platform,
    format: "esm",
    logLevel: "error",
  });
  return outputFiles[0]!.contents;
}

test("installed, the core decodes and encodes in Chromium", requires("chromium"), async () => {
  const script = new TextDecoder().decode(await bundle(`import "./browser.mjs"`, "browser"));
  // The handshake's digest is there for pages of a secure context alone: https:, or localhost.
  const server = createServer((_, response) => response.setHeader("content-type", "text/html").end());
  await once(server.listen(0), "listening");
  const browser = (await openBrowser())!;
  try {
    const { port } = server.address() as AddressInfo;
    const { page } = await visit(browser, `http://localhost:${port}/`);
    await page.addScriptTag({ content: script, type: "module" });
    // A module is not run yet when its element is there.
    await page.waitForFunction("globalThis.tryConnection && globalThis.tryFrames");
    assertEquals(await page.evaluate("tryConnection()"), {
      echoed: ["Grüße", [1, 2, 3]],
      closed: { closeCode: 4001, reason: "seen" },
    });
    assertEquals(await page.evaluate("tryFrames()"), { opcode: 2, same: true });
  } finally {
    await browser.close();
    server.closeAllConnections();
    server.close();
  }
});

/** What opens a connection, or is for one; the rest of the core is pure, or a transform stream. */
const FOR_CONNECTIONS = ["acceptStream", "connectStream", "prepare", "receiveUpgrade", "toWebSocket"];

/** What a bundle may weigh in KiB, minified and compressed, by what is taken from which entry point. */
const SIZES = [
  { what: "all of the core", entry: "", leftOut: [], limit: 32.25 },
  { what: "the core without connections", entry: "", leftOut: FOR_CONNECTIONS, limit: 15.25 },
  { what: "all of ./node", entry: "/node", leftOut: [], limit: 37.5 },
];

for (const { what, entry, leftOut, limit } of SIZES) {
  test(`${what} is at most ${limit} KiB in a bundle`, async () => {
    const from = manifest.name + entry;
    const listing = `import * as all from "${from}"; console.log(Object.keys(all).join());`;
    const names = run(process.execPath, "--input-type=module", "-e", listing).trim().split(",");
    assertEquals(leftOut.filter((name) => !names.includes(name)), []);
    const taken = names.filter((name) => !leftOut.includes(name));
    const script = await bundle(`export { ${taken} } from "${from}"`, entry === "" ? "browser" : "node");
    const compressed = gzipSync(script, { level: 9 }).length;
    console.log(`${what}: ${script.length} bytes minified, ${compressed} compressed`);
    assert(compressed <= limit * 1024, `${compressed} bytes`);
  });
}
