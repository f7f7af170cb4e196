/**
 * What stands on both sides of a proxy: a server, and clients as pages of its site.
 *
 * @module
 */

import { assert } from "#std/assert";
import { once } from "node:events";
import { WebSocket } from "ws";
import { serve, type ServeOptions, type Server, type UpgradeRequest } from "../../lib/adapters/node.ts";
import { within } from "../interop/within.ts";
import { echo } from "../support/serving.ts";
import { portOf } from "../support/wire.ts";
import { Proxy, type ProxyName } from "./proxy.ts";

/** A server behind a proxy, and what it has seen. */
export class Upstream {
  /** The upgrades that were accepted. */
  readonly requests: UpgradeRequest[] = [];
  /** How each connection has ended: with a code, or an error's word. */
  readonly ends: string[] = [];
  /** What its health check says. */
  healthy = true;
  #server!: Server;

  /** Starts one on a free port. */
  static async start(options: ServeOptions = {}): Promise<Upstream> {
    const upstream = new Upstream();
    const fetch = ({ url }: Request) =>
      new Response(null, { status: url.endsWith("/health") && !upstream.healthy ? 503 : 200 });
    upstream.#server = await serve(
      { hostname: "127.0.0.1", onError: () => {}, fetch, ...options },
      async (socket, request) => {
        upstream.requests.push(request);
        await echo(socket).catch(() => {});
        upstream.ends.push(
          await socket.closed.then(({ closeCode }) => `${closeCode}`, (error) => error.code),
        );
      },
    );
    return upstream;
  }

  /** Where it listens. */
  get port(): number {
    return portOf(this.#server);
  }

  /** Ends it. */
  async stop(): Promise<void> {
    await this.#server.close({ timeout: 100 });
  }
}

/** A client that comes through a proxy. */
export class Client {
  /** The socket. */
  readonly socket: WebSocket;
  /** `"open"`, or the status of the refusal; 0 if there was no answer. */
  readonly answer: Promise<"open" | number>;
  /** The code that it was closed with. */
  readonly closed: Promise<number>;

  /** Connects, for a page of this origin. */
  constructor(port: number, origin: string) {
    this.socket = new WebSocket(`ws://127.0.0.1:${port}/a?b=c`, { origin });
    this.socket.on("error", () => {}); // `closed` says so too
    this.closed = new Promise((resolve) => this.socket.on("close", resolve));
    const answer = new Promise<"open" | number>((resolve) => {
      this.socket.on("open", () => resolve("open"));
      this.socket.on("close", () => resolve(0));
      this.socket.on("unexpected-response", (_, { statusCode }) => {
        resolve(statusCode!);
        this.socket.terminate();
      });
    });
    this.answer = within("The answer", answer);
  }

  /** Sends a text and waits for the same. */
  async echoes(data: string): Promise<void> {
    const answer = once(this.socket, "message");
    this.socket.send(data);
    const [got] = await within("The echo", answer);
    assert(String(got) === data, `the echo of ${data.length} bytes is another message`);
  }
}

/** What a test gets. */
export interface Behind {
  readonly proxy: Proxy;
  readonly upstream: Upstream;
  /** Connects through the proxy; the origin is its own unless told. */
  open(origin?: string): Client;
}

/** Runs a test with a proxy in front of a server; nothing is left of either when it is over. */
export async function behind(
  name: ProxyName,
  config: string,
  test: (behind: Behind) => Promise<void>,
  options?: ServeOptions,
): Promise<void> {
  const upstream = await Upstream.start(options);
  const clients: Client[] = [];
  try {
    const proxy = await Proxy.start(name, config, upstream.port);
    const open = (origin = `http://127.0.0.1:${proxy.port}`) => {
      const client = new Client(proxy.port, origin);
      clients.push(client);
      return client;
    };
    try {
      await test({ proxy, upstream, open });
    } finally {
      for (const { socket } of clients) socket.terminate();
      await proxy.stop();
    }
  } finally {
    await upstream.stop();
  }
}
