/**
 * A WebSocket that comes back by itself: after a loss it tries again, later each time, and says so.
 *
 * @module
 */

/** The first pause before trying again, and the longest, in milliseconds. */
const FIRST_PAUSE = 400;
const LONGEST_PAUSE = 8_000;

/** How long a connection has to last, in milliseconds, for the next loss to be the first again. */
const STABLE = 5_000;

/** Ends that are nobody's decision about us: the server goes away, is lost, fails, restarts, is too busy. */
const PASSING = new Set([1001, 1006, 1011, 1012, 1013]);

/**
 * How long to wait before an attempt, in milliseconds.
 *
 * It doubles, up to a limit; half of it is left to chance, so that the clients of a server that restarts do not all come
 * in the same moment.
 */
export function pauseBefore(attempt, random = Math.random()) {
  const longest = Math.min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** (attempt - 1));
  return longest / 2 + longest / 2 * random;
}

/** The address of a path on the server that this page came from. */
export function socketUrl(path) {
  return `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}${path}`;
}

/**
 * One connection after another to the same place.
 *
 * `state` is `connecting`, `open`, `closing`, `waiting` (for the next attempt) or `closed` (until `start`).
 */
export class LiveSocket {
  state = "closed";
  /** When the next attempt is due, on the clock of `performance.now()`. */
  retryAt = 0;
  /** How many attempts have failed since the last connection. */
  attempt = 0;
  #address;
  #on;
  #insist;
  #socket;
  #timer;
  #openedAt;
  #asked = false;

  /**
   * Prepares to connect.
   *
   * @param address The URL, or a function that returns it before each attempt.
   * @param on What to call: `state(this, words)`, `open()`, `message(data)`, `close(event, { opened, asked })`.
   * @param options `insist`: whether to try again if the very first attempt fails.
   */
  constructor(address, on, { insist = true } = {}) {
    this.#address = address;
    this.#on = on;
    this.#insist = insist;
    // Back from sleep, or with a network again, there is no reason to wait.
    addEventListener("online", () => this.retry());
    document.addEventListener(
      "visibilitychange",
      () => document.visibilityState === "visible" && this.retry(),
    );
  }

  /** The URL of the connection, as the browser reads it. */
  get url() {
    return this.#socket?.url ?? "";
  }

  /** Connects. @throws {SyntaxError} If the address is none. */
  start() {
    this.attempt = 0;
    this.#connect();
  }

  /** Tries again now, if it is to try again at all. */
  retry() {
    if (this.state === "waiting") this.#connect();
  }

  /** Closes, and does not come back. Without a code in `info`, none is sent. */
  stop({ code, reason = "" } = { code: 1000 }) {
    clearTimeout(this.#timer);
    if (this.state === "waiting") return this.#setState("closed", "Not trying any more.");
    if (this.state === "closed") return;
    this.#asked = true;
    const words = this.state === "open" ? "Waiting for the server's answer." : "Giving up.";
    if (code === undefined) this.#socket.close();
    else this.#socket.close(code, reason);
    this.#setState("closing", words);
  }

  /** Sends, and tells whether it could. */
  send(data) {
    if (this.state !== "open") return false;
    const ready = typeof data === "string" || data instanceof Uint8Array || data instanceof Blob;
    this.#socket.send(ready ? data : JSON.stringify(data));
    return true;
  }

  #connect() {
    clearTimeout(this.#timer);
    const address = typeof this.#address === "function" ? this.#address() : this.#address;
    const socket = this.#socket = new WebSocket(address);
    this.#asked = false;
    this.#openedAt = undefined;
    socket.binaryType = "arraybuffer";
    socket.addEventListener("open", () => this.#opened());
    socket.addEventListener("message", ({ data }) => this.#on.message?.(data));
    socket.addEventListener("close", (event) => this.#closed(event));
    this.#setState(
      "connecting",
      this.attempt === 0 ? socket.url : `Trying again by itself, attempt ${this.attempt}.`,
    );
  }

  #opened() {
    this.#openedAt = performance.now();
    this.#setState("open", this.#socket.url);
    this.#on.open?.();
  }

  #closed(event) {
    const opened = this.#openedAt !== undefined;
    if (opened && performance.now() - this.#openedAt > STABLE) this.attempt = 0;
    const comesBack = !this.#asked && PASSING.has(event.code) && (opened || this.#insist || this.attempt > 0);
    if (comesBack) this.#wait(opened ? "The connection is lost." : "The server cannot be reached.");
    else this.#setState("closed", event.reason === "" ? `Code ${event.code}.` : `${event.reason}.`);
    this.#on.close?.(event, { opened, asked: this.#asked });
  }

  #wait(why) {
    const pause = pauseBefore(++this.attempt);
    this.retryAt = performance.now() + pause;
    this.#timer = setTimeout(() => this.#connect(), pause);
    this.#setState("waiting", `${why} Trying again by itself.`);
  }

  #setState(state, words) {
    this.state = state;
    this.#on.state?.(this, words);
  }
}
