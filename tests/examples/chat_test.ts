import { after, before, test } from "node:test";
import { assertEquals } from "#std/assert";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser } from "playwright-core";
import { requires } from "../support/requires.ts";
import { runtimes } from "../support/runtimes.ts";
import { openBrowser, untilState, withPages } from "./browser.ts";
import { enterChat, heard, messages, noticed, people, say } from "./people.ts";
import { startDemo } from "./program.ts";

const folder = mkdtempSync(join(tmpdir(), "sluice-chat-"));
let browser: Browser | undefined;

before(async () => {
  browser = await openBrowser();
});

after(async () => {
  await browser?.close();
  rmSync(folder, { recursive: true });
});

for (const runtime of runtimes) {
  test(
    `chat on ${runtime}: three browsers, and a server that is killed and started again`,
    requires("chromium"),
    async () => {
      const history = ["--history", join(folder, `${runtime}.sqlite`)];
      let { program, url } = await startDemo(runtime, history);
      const rooms = Array<string>(3).fill(`${url}chat`);
      try {
        await withPages(browser!, rooms, async (ada, grace, eve) => {
          await enterChat(ada, "Ada");
          await enterChat(grace, "Grace");
          await enterChat(eve, "<script>alert(1)</script>".slice(0, 24));
          for (const page of [ada, grace, eve]) assertEquals((await people(page, 4)).length, 4);

          // Each sees what the others say.
          await say(ada, "Hello from Ada");
          await heard(grace, "Hello from Ada");
          await say(grace, "<script>document.title = 'owned'</script>");
          await heard(ada, "<script>document.title = 'owned'</script>");
          assertEquals(await ada.title(), "Chat room · Sluice");
          assertEquals(await ada.locator("main script").count(), 0);
          assertEquals((await people(ada, 4)).sort(), [
            "<script>alert(1)</script",
            "Ada (you)",
            "Grace",
            "robot",
          ]);

          // A direct message reaches one of three. The robot's answer comes behind it, to all.
          await say(ada, "/to Grace between us");
          await heard(grace, "between us");
          await say(ada, "robot, are you a joke?");
          await heard(eve, "UDP");
          assertEquals((await messages(eve)).filter((words) => words.includes("between us")), []);

          // The server dies without a word, and comes back on its port: so do the pages, by themselves.
          const said = (await messages(eve)).length;
          await program.stop("SIGKILL");
          await untilState(ada, "waiting");
          ({ program } = await startDemo(runtime, [...history, "--port", new URL(url).port]));
          for (const page of [ada, grace, eve]) await untilState(page, "open");
          await heard(ada, "Hello from Ada");
          assertEquals((await people(ada, 4)).sort(), [
            "<script>alert(1)</script",
            "Ada (you)",
            "Grace",
            "robot",
          ]);
          assertEquals((await messages(eve)).length, said);
          for (const page of [ada, grace, eve]) await noticed(page, "nothing should be missing");
          await say(eve, "still here");
          await heard(ada, "still here");
        }, ["ERR_CONNECTION_REFUSED", "ERR_CONNECTION_RESET"]);
      } finally {
        await program.stop("SIGKILL");
      }
    },
  );
}
