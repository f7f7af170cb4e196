import { test } from "node:test";
import { assert, assertEquals, assertMatch } from "#std/assert";
import { once } from "node:events";
import { request } from "node:http";
import { WebSocket } from "ws";
import { runtimes } from "../support/runtimes.ts";
import { Program, startDemo } from "./program.ts";

/** What a browser says about the page that sent a form: of another site, of an older browser, of a hidden origin. */
const ELSEWHERE: readonly Record<string, string>[] = [
  { origin: "https://example.com", "sec-fetch-site": "cross-site" },
  { origin: "http://127.0.0.1:1", "sec-fetch-site": "same-site" },
  { origin: "https://example.com" },
  { origin: "null" },
];

/** Sends a form; `fetch` does not let its caller say where it is from. */
async function post(url: string, headers: Record<string, string>, body = ""): Promise<number> {
  const sent = request(url, {
    method: "POST",
    headers: { "content-type": "application/x-www-form-urlencoded", ...headers },
  });
  sent.end(body);
  const [response] = await once(sent, "response");
  response.resume();
  await once(response, "end");
  return response.statusCode;
}

for (const runtime of runtimes) {
  test(`demo on ${runtime}: pages of other sites can send no form, its own and scripts can`, async () => {
    const { program, url } = await startDemo(runtime);
    try {
      const own = { origin: new URL(url).origin, "sec-fetch-site": "same-origin" };
      const forms = { "vote/login": ["name=Eve", 303], "transports/run?count=1": ["", 200] } as const;
      for (const [path, [body, status]] of Object.entries(forms)) {
        for (const headers of ELSEWHERE) assertEquals(await post(url + path, headers, body), 403);
        assertEquals(await post(url + path, own, body), status);
        assertEquals(await post(url + path, {}, body), status);
      }
    } finally {
      await program.stop("SIGKILL");
    }
  });

  test(`demo on ${runtime}: an alert is a POST, and nothing else sends one`, async () => {
    const { program, url } = await startDemo(runtime);
    try {
      const token = await program.written(/token=([-\w]+)/);
      const login = await fetch(`${url}vote/login`, {
        method: "POST",
        body: "name=Ada",
        redirect: "manual",
      });
      const cookie = login.headers.get("set-cookie")!.split(";")[0]!;
      const page = new WebSocket(`${url.replace("http", "ws")}vote`, { headers: { cookie } });
      const heard: string[] = [];
      const alerted = new Promise<void>((resolve) =>
        page.on("message", (data) => {
          const { type, text } = JSON.parse(String(data));
          if (type === "alert" && heard.push(text) > 0 && text === "second") resolve();
        })
      );
      await once(page, "open");

      const words = (text: string) => new URLSearchParams({ token, text });
      assertEquals((await fetch(`${url}alert?${words("by GET")}`)).status, 404);
      assertEquals(await post(`${url}alert?${words("by query")}`, {}), 403);
      assertEquals(await post(`${url}alert`, ELSEWHERE[0]!, String(words("from elsewhere"))), 403);
      assertEquals(await post(`${url}alert`, {}, String(words("first"))), 200);
      assertEquals(await post(`${url}alert`, {}, String(words("second"))), 200);
      await alerted;
      assertEquals(heard, ["first", "second"]);
      page.terminate();
    } finally {
      await program.stop("SIGKILL");
    }
  });

  test(`demo on ${runtime}: a broker's password is not printed`, async () => {
    const wrong = [
      ["redis://ada:s3cret@127.0.0.1:1", /Cannot reach the broker at 127\.0\.0\.1:1/],
      ["nats://ada:s3cret@127.0.0.1:1", /Cannot reach the broker at 127\.0\.0\.1:1/],
      ["rediss://ada:s3cret@127.0.0.1:1", /not "rediss:\/\/127\.0\.0\.1:1"/],
      ["redis://ada:s3cret/@@127.0.0.1:x", /not "redis:\/\/127\.0\.0\.1:x"/],
      ["ada:s3cret@127.0.0.1", /not "127\.0\.0\.1"/],
    ] as const;
    for (const [broker, words] of wrong) {
      const program = new Program(runtime, `demo/${runtime}.ts`, ["--port", "0", "--broker", broker]);
      assert((await program.exited).code !== 0);
      assertMatch(program.output, words);
      assert(!program.output.includes("s3cret"), program.output);
    }
  });
}
