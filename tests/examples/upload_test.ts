import { after, before, test } from "node:test";
import { assertEquals, assertMatch } from "#std/assert";
import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import type { Browser } from "playwright-core";
import { requires } from "../support/requires.ts";
import { runtimes } from "../support/runtimes.ts";
import { openBrowser, untilState, withPages } from "./browser.ts";
import { startDemo } from "./program.ts";

let browser: Browser | undefined;

before(async () => {
  browser = await openBrowser();
});

after(() => browser?.close());

for (const runtime of runtimes) {
  test(
    `upload: files arrive whole, small and large, and are hashed alike, ${runtime}`,
    requires("chromium"),
    async () => {
      const { program, url } = await startDemo(runtime);
      try {
        await withPages(browser!, [`${url}upload`], async (page) => {
          await untilState(page, "open");
          for (const size of [0, 3_000_000]) {
            const buffer = Buffer.from(Uint8Array.from({ length: size }, (_, i) => i * 31 >> 3));
            await page.setInputFiles("#file", { name: `${size}.bin`, mimeType: "application/x-any", buffer });
            await page.waitForFunction(`document.getElementById("name").textContent === "${size}.bin"`);
            await page.waitForSelector('#verdict[data-same="true"]');
            const expected = createHash("sha256").update(buffer).digest("hex");
            assertEquals(await page.textContent("#theirs"), expected);
          }
          await page.click("#make:enabled");
          await page.waitForFunction(`document.getElementById("name").textContent.startsWith("64 MiB")`);
          await page.waitForSelector('#verdict[data-same="true"]', { timeout: 60_000 });
          assertMatch(await page.textContent("#size") ?? "", /^67\.1 MB/);
          assertEquals(await page.evaluate(`document.getElementById("progress").value`), 1);
        });
      } finally {
        await program.stop();
      }
    },
  );
}
