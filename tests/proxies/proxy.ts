/**
 * The proxies that the guide is about, each in a process of its own, with a configuration of the guide's.
 *
 * @module
 */

import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { accepts, freePort, onFreePort } from "../support/ports.ts";
import { findProgram } from "../support/requires.ts";
import { sleep } from "../support/serving.ts";

/** What there is to start. */
export type ProxyName = "nginx" | "haproxy" | "caddy" | "apache2";

/** How one of them is run. */
interface Kind {
  /** Puts what the guide shows into a whole configuration that keeps to a folder. */
  frame(config: string, folder: string, adminPort: number): string;
  /** The arguments that run it in the foreground. */
  run(file: string, folder: string): string[];
  /** Tells whether it can be told to reload, where that is later than listening. */
  ready?(folder: string): Promise<boolean>;
  /** The signal that makes it read its configuration again, or the command that does. */
  readonly reload: NodeJS.Signals | "reload";
}

/** Apache's modules on Debian, for all configurations of the guide. */
const APACHE_MODULES = [
  "mpm_event",
  "authz_core",
  "proxy",
  "proxy_http",
  "proxy_wstunnel",
  "slotmem_shm",
  "proxy_balancer",
  "lbmethod_byrequests",
  "proxy_hcheck",
  "http2",
  "ssl",
];

const KINDS: Readonly<Record<ProxyName, Kind>> = {
  nginx: {
    frame: (config, folder) =>
      `pid ${folder}/pid; error_log stderr; worker_processes 1; events {} http { access_log off;
      ${
        ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map((name) => `${name}_temp_path ${folder};`)
          .join(" ")
      }
      ${config} }`,
    run: (file, folder) => ["-p", folder, "-c", file, "-g", "daemon off;"],
    reload: "SIGHUP",
  },
  haproxy: {
    frame: (config) => config,
    run: (file, folder) => ["-W", "-S", join(folder, "master"), "-f", file],
    // It takes connections while its master still starts, and a signal that comes then makes it deaf to signals.
    ready: (folder) => answers(join(folder, "master"), "show proc\n"),
    reload: "SIGUSR2",
  },
  caddy: {
    frame: (config, _, adminPort) => `{\n  admin localhost:${adminPort}\n  auto_https off\n}\n${config}`,
    run: (file) => ["run", "--config", file, "--adapter", "caddyfile"],
    reload: "reload",
  },
  apache2: {
    frame: (config, folder) =>
      `ServerRoot ${folder}\nServerName localhost\nPidFile pid\nErrorLog error.log\n${
        process.getuid?.() === 0 ? "User www-data\nGroup www-data\n" : ""
      }${
        APACHE_MODULES.map((name) => `LoadModule ${name}_module /usr/lib/apache2/modules/mod_${name}.so\n`)
          .join("")
      }${config}`,
    run: (file) => ["-D", "FOREGROUND", "-f", file],
    reload: "SIGUSR1",
  },
};

/** One proxy in a process of its own. */
export class Proxy {
  /** Where it listens. */
  readonly port: number;
  readonly #name: ProxyName;
  readonly #config: string;
  readonly #folder: string;
  readonly #adminPort: number;
  readonly #child: ChildProcess;
  #output = "";

  private constructor(
    name: ProxyName,
    config: string,
    ports: { own: number; admin: number; upstream: number },
  ) {
    this.port = ports.own;
    this.#name = name;
    this.#config = config;
    this.#adminPort = ports.admin;
    this.#folder = mkdtempSync(join(tmpdir(), "sluice-proxy-"));
    chmodSync(this.#folder, 0o755); // its workers may be another user
    const file = this.#configure(ports.upstream);
    this.#child = spawn(findProgram(name)!, KINDS[name].run(file, this.#folder), {
      env: { ...process.env, HOME: this.#folder },
      stdio: ["ignore", "pipe", "pipe"],
    });
    for (const stream of [this.#child.stdout!, this.#child.stderr!]) {
      stream.setEncoding("utf8").on("data", (text: string) => this.#output += text);
    }
    process.once("exit", this.#killNow);
  }

  /**
   * Starts one.
   *
   * @param name Which.
   * @param config Its configuration, in which it listens on port 8000, and the server behind it on 8080.
   * @param upstream Where the server really listens.
   */
  static start(name: ProxyName, config: string, upstream: number): Promise<Proxy> {
    return onFreePort((own) => Proxy.#startOn(own, { name, config, upstream }));
  }

  static async #startOn(
    own: number,
    { name, config, upstream }: { name: ProxyName; config: string; upstream: number },
  ): Promise<Proxy> {
    const proxy = new Proxy(name, config, { own, admin: await freePort(), upstream });
    const ready = async () => await accepts(proxy.port) && (await KINDS[name].ready?.(proxy.#folder) ?? true);
    for (let attempt = 0; !await ready(); attempt++) {
      if (attempt < 400 && proxy.#child.exitCode === null) await sleep(25);
      else {
        await proxy.stop();
        throw new Error(`${name} does not listen: ${proxy.#output}`);
      }
    }
    return proxy;
  }

  /** Changes where the server listens, and makes the proxy read its configuration again, as an operator would. */
  reload(upstream: number): void {
    const { reload } = KINDS[this.#name];
    const file = this.#configure(upstream);
    if (reload !== "reload") return void this.#child.kill(reload);
    const address = `localhost:${this.#adminPort}`;
    const args = ["reload", "--config", file, "--adapter", "caddyfile", "--address", address];
    execFileSync(findProgram(this.#name)!, args, {
      env: { ...process.env, HOME: this.#folder },
      stdio: "ignore",
    });
  }

  /** Writes the configuration; returns its file. */
  #configure(upstream: number): string {
    const config = this.#config.replaceAll(/\b8000\b/g, `${this.port}`).replaceAll(
      /\b8080\b/g,
      `${upstream}`,
    );
    const file = join(this.#folder, "config");
    writeFileSync(file, KINDS[this.#name].frame(config, this.#folder, this.#adminPort));
    return file;
  }

  /** Ends it, and its workers with it. */
  async stop(): Promise<void> {
    process.off("exit", this.#killNow);
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      const gone = once(this.#child, "exit");
      this.#child.kill("SIGTERM");
      await gone;
    }
    rmSync(this.#folder, { recursive: true, force: true });
  }

  readonly #killNow = (): void => {
    this.#child.kill("SIGTERM");
  };
}

/** Tells whether something that listens on a unix socket answers a question. */
function answers(path: string, question: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path, () => socket.write(question));
    socket.once("data", () => {
      resolve(true);
      socket.destroy();
    }).once("error", () => resolve(false)).once("close", () => resolve(false));
  });
}
