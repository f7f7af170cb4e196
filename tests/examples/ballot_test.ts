import { test } from "node:test";
import { assert, assertEquals } from "#std/assert";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { WebSocket } from "ws";
import { Store } from "../../examples/demo/store.ts";
import { runtimes } from "../support/runtimes.ts";
import { startDemo } from "./program.ts";

/** Runs a test with a file for a store. */
async function withFile(test: (file: string) => void | Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "sluice-ballot-"));
  try {
    await test(join(folder, "history.sqlite"));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

test("ballot: votes and sessions have a bound, and a vote is counted once, also by another process", () =>
  withFile((file) => {
    const [store, other] = [new Store(file), new Store(file)];
    for (let i = 0; i < 10_050; i++) {
      store.addSession(`session ${i}`, { voter: `voter ${i}`, name: "Ada" });
      assertEquals(
        store.addVote({ voter: `voter ${i}`, choice: i % 4 === 0 ? "Streams" : "Events" }),
        i < 10_000,
      );
      if (i % 100 > 0) continue;
      assertEquals(other.addVote({ voter: `voter ${i % 10_000}`, choice: "Promises" }), false);
    }
    for (const one of [store, other]) {
      assertEquals(one.tallies(), new Map([["Events", 7_500], ["Streams", 2_500]]));
      assertEquals([one.session("session 49"), one.choiceOf("voter 10000")], [undefined, undefined]);
      assertEquals(one.session("session 50"), { voter: "voter 50", name: "Ada" });
      assertEquals(one.choiceOf("voter 4"), "Streams");
      one.close();
    }
  }));

test("ballot: the votes in a file of an earlier version count", () =>
  withFile((file) => {
    const old = new DatabaseSync(file);
    old.exec(`CREATE TABLE votes (voter TEXT PRIMARY KEY, choice TEXT);
      INSERT INTO votes VALUES ('ada', 'Streams'), ('grace', 'Streams'), ('eve', 'Events')`);
    old.close();
    for (let i = 0; i < 2; i++) {
      const store = new Store(file);
      assertEquals(store.tallies(), new Map([["Events", 1], ["Streams", 2]]));
      store.close();
    }
  }));

/** Logs in, votes, and resolves with the next results that have all votes; `results` counts all that came. */
async function castVote(url: string, name: string, choice: string): Promise<WebSocket> {
  const login = await fetch(`${url}vote/login`, { method: "POST", body: `name=${name}`, redirect: "manual" });
  const cookie = login.headers.get("set-cookie")!.split(";")[0]!;
  const page = new WebSocket(`${url.replace("http", "ws")}vote`, { headers: { cookie } });
  page.on("open", () => page.send(JSON.stringify({ choice })));
  return page;
}

for (const runtime of runtimes) {
  test(`ballot on ${runtime}: a crowd that votes at once is told a few times how it stands`, async () => {
    const { program, url } = await startDemo(runtime);
    try {
      const voters = 40;
      const pages: WebSocket[] = [];
      let results = 0;
      const all = Promise.withResolvers<void>();
      for (let i = 0; i < voters; i++) {
        const page = await castVote(url, `voter${i}`, "Streams");
        pages.push(page);
        page.on("message", (data) => {
          const message = JSON.parse(String(data));
          if (message.type !== "results") return;
          results++;
          const [streams] = message.results;
          assertEquals([streams.name, message.results.length], ["Streams", 4]);
          if (streams.votes === voters) all.resolve();
        });
      }
      await all.promise;
      // Each page is told when it opens; told of each vote, all pages together would be told 800 times more.
      console.log(`ballot on ${runtime}: ${results} results for ${voters} votes on ${voters} pages`);
      assert(results < voters * voters / 2, `${results} results`);
      for (const page of pages) page.terminate();
    } finally {
      await program.stop("SIGKILL");
    }
  });
}
