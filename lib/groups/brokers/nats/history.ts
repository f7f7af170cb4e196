/**
 * Histories in NATS: a stream of JetStream for each channel, on file storage.
 *
 * What is appended is published on a subject that only the stream has, `h.` and the channel. When the stream has it, it
 * publishes it again on the channel itself, in its order, with its own name and the number of the message in headers: those
 * are the position. The name of a stream ends in the epoch; that there is one for each channel is ensured by the server,
 * which lets no two streams have the same subject.
 *
 * @module
 */

import { fromBase64 } from "../../base64.ts";
import type { BrokerHistory, HistoryPage, KeptPayload } from "../../broker_history.ts";
import { makeEpoch, POSITION_LIVES } from "../../group_log.ts";
import { GroupsError } from "../../groups_error.ts";
import type { HistoryLimits, Position } from "../../history_options.ts";

/** The headers of a message from NATS, as far as they are used here. */
export interface NatsHeaders {
  /** The status; 0 if there is none. */
  readonly code: number;
  /** The value of a header; empty if there is none. */
  get(name: string): string;
}

/** A message from NATS, as far as it is used here. */
export interface NatsMessage {
  /** The payload. */
  readonly data: Uint8Array;
  /** What came with it. */
  readonly headers?: NatsHeaders | undefined;
}

/** Sends a request to the server. */
export type AskNats = (subject: string, payload: Uint8Array) => Promise<NatsMessage>;

/** What the names of streams begin with. */
const NAME_START = "sluice-";

/** What JetStream answers if another stream has the subject already, as one that is made at the same moment. */
const SUBJECT_TAKEN = 10_065;

/** What JetStream answers if there is no such stream: for a moment that may be one that was made at another server. */
const NOT_FOUND = 10_059;

/** What JetStream answers while the servers of a cluster elect a leader, unless it does not answer at all. */
const NOT_AVAILABLE = 10_008;

/**
 * How long an answer of the API is waited for before the same is asked again, in milliseconds: this long, then twice
 * that, then three times that. An error that may soon be over is believed when it has come so often.
 */
const PAUSE = 300;
const ATTEMPTS = 5;

/** What a message takes in the store besides its subject and payload, at most, in bytes. */
const OVERHEAD = 64;

/** How many messages are asked for at once. */
const AT_ONCE = 256;

/** How many streams are known at most, and how often it is looked for those that nobody needs, in milliseconds. */
const MAX_KNOWN = 10_000;
const SWEEP = 60_000;

/** What an answer of the API holds, as far as it is used here. */
interface Answer {
  readonly error?: { readonly err_code?: number; readonly description?: string };
  readonly streams?: readonly (string | StreamInfo)[] | null;
  readonly total?: number;
  readonly message?: { readonly data?: string; readonly time: string };
}

interface StreamInfo {
  /** The server's time; absent before 2.10. */
  readonly ts?: string;
  readonly created: string;
  readonly config: StreamConfig;
  readonly state: {
    readonly messages: number;
    readonly first_seq: number;
    readonly last_seq: number;
    readonly last_ts: string;
  };
}

interface StreamConfig extends StreamSettings {
  readonly name: string;
}

/** What all processes set alike; the age in nanoseconds. */
interface StreamSettings {
  readonly max_msgs: number;
  readonly max_bytes: number;
  readonly max_age: number;
  readonly num_replicas: number;
}

interface Stream {
  readonly name: Promise<string>;
  /** When it was last used, in milliseconds. */
  used: number;
}

/** What a {@linkcode NatsHistory} needs. */
export interface NatsHistoryOptions {
  /** Sends a request to the server. */
  readonly ask: AskNats;
  /** What the subjects begin with. */
  readonly prefix: string;
  /** How many servers of a cluster have each stream. */
  readonly replicas: number;
}

/** A message of a stream, and when it was stored, in milliseconds of the server's clock. */
interface Stored {
  readonly offset: number;
  readonly payload: Uint8Array;
  readonly time: number;
}

/** Keeps histories in JetStream. */
export class NatsHistory implements BrokerHistory {
  readonly #ask: AskNats;
  readonly #prefix: string;
  readonly #replicas: number;
  readonly #streams = new Map<string, Stream>();
  #swept = -Infinity;

  /** Makes a history. */
  constructor({ ask, prefix, replicas }: NatsHistoryOptions) {
    this.#ask = ask;
    this.#prefix = prefix;
    this.#replicas = replicas;
  }

  async append(channel: string, payload: Uint8Array, limits: HistoryLimits): Promise<void> {
    const stream = this.#streamOf(channel, limits);
    await stream.name;
    try {
      const { data } = await this.#ask(this.#subjectOf(channel), payload);
      const { error } = readJson<Answer>(data);
      if (error !== undefined) throw refuse("append to history", error.description);
    } catch (error) {
      // If the stream is gone the next message makes another. This one might come after that one if it was repeated.
      this.#forget(channel, stream);
      throw error;
    }
  }

  async read(channel: string, limits: HistoryLimits, after?: Position): Promise<HistoryPage> {
    const stream = this.#streamOf(channel, limits);
    try {
      const name = await stream.name;
      const { state, ts } = await this.#call<StreamInfo>(`STREAM.INFO.${name}`);
      const epoch = name.substring(NAME_START.length);
      const start = after?.epoch === epoch ? after.offset + 1 : 1;
      const from = Math.max(start, state.first_seq);
      const now = ts === undefined ? Date.now() : Date.parse(ts);
      const kept = await this.#readBack(name, { from, to: state.last_seq }, now, limits);
      return { position: { epoch, offset: state.last_seq }, kept };
    } catch (error) {
      this.#forget(channel, stream);
      throw error;
    }
  }

  #subjectOf(channel: string): string {
    return `${this.#prefix}h.${channel}`;
  }

  /** The stream of a channel, which is looked up again when it might have been deleted for lack of use. */
  #streamOf(channel: string, limits: HistoryLimits): Stream {
    const now = performance.now();
    const known = this.#streams.get(channel);
    if (known !== undefined && now - known.used <= limits.age) {
      known.used = now;
      return known;
    }
    const stream: Stream = { name: this.#find(channel, limits), used: now };
    stream.name.catch(() => this.#forget(channel, stream));
    this.#streams.delete(channel);
    this.#streams.set(channel, stream);
    if (this.#streams.size > MAX_KNOWN) this.#streams.delete(this.#streams.keys().next().value!);
    return stream;
  }

  #forget(channel: string, stream: Stream): void {
    if (this.#streams.get(channel) === stream) this.#streams.delete(channel);
  }

  /** Finds the stream of a channel, or makes it. */
  async #find(channel: string, { messages, bytes, age }: HistoryLimits): Promise<string> {
    const subject = this.#subjectOf(channel);
    const settings: StreamSettings = {
      max_msgs: messages,
      max_bytes: bytes + (messages + 1) * (subject.length + OVERHEAD),
      max_age: age * 1_000_000,
      num_replicas: this.#replicas,
    };
    const found = await this.#findNamed(subject, settings);
    if (found !== undefined) return found;
    const name = NAME_START + makeEpoch();
    const answer = await this.#request(`STREAM.CREATE.${name}`, {
      ...settings,
      name,
      subjects: [subject],
      storage: "file",
      retention: "limits",
      discard: "old",
      allow_direct: true,
      republish: { src: subject, dest: this.#prefix + channel },
    });
    this.#sweepSometimes();
    if (answer.error === undefined) {
      await this.#configOf(name);
      return name;
    }
    // Another process has made one at the same moment.
    const other = answer.error.err_code === SUBJECT_TAKEN
      ? await this.#findNamed(subject, settings)
      : undefined;
    if (other !== undefined) return other;
    throw refuse("keep history", answer.error.description);
  }

  async #findNamed(subject: string, settings: StreamSettings): Promise<string | undefined> {
    const { streams } = await this.#call<Answer>("STREAM.NAMES", { subject });
    const name = streams?.find((each) => isOurs(each));
    if (typeof name !== "string") return undefined;
    const config = await this.#configOf(name);
    const differs = Object.entries(settings).some(([key, value]) =>
      config[key as keyof StreamSettings] !== value
    );
    if (differs) await this.#call(`STREAM.UPDATE.${name}`, { ...config, ...settings });
    return name;
  }

  /** The configuration of a stream that may have just been made, once it takes messages. */
  async #configOf(name: string): Promise<StreamConfig> {
    const { error, config } = await this.#request<StreamInfo>(`STREAM.INFO.${name}`, undefined, [
      NOT_AVAILABLE,
      NOT_FOUND,
    ]);
    if (config === undefined) throw refuse("keep history", error?.description);
    return config;
  }

  /** Reads messages from the latest back to the first, or as far as they are kept and within the limits. */
  async #readBack(
    name: string,
    { from, to }: { from: number; to: number },
    now: number,
    { messages, bytes, age: maxAge }: HistoryLimits,
  ): Promise<readonly KeptPayload[]> {
    const kept: KeptPayload[] = [];
    let size = 0;
    for (let last = to; last >= from; last -= AT_ONCE) {
      const offsets = Array.from({ length: Math.min(AT_ONCE, last - from + 1) }, (_, i) => last - i);
      for (const message of await Promise.all(offsets.map((offset) => this.#readOne(name, offset)))) {
        if (message === undefined) return kept.reverse();
        const { offset, payload, time } = message;
        const age = Math.max(0, now - time);
        size += payload.length;
        if (kept.length === messages || size > bytes || age > maxAge) return kept.reverse();
        kept.push({ offset, payload, age });
      }
    }
    return kept.reverse();
  }

  /** Reads a message; `undefined` if it is not kept any more. */
  async #readOne(name: string, offset: number): Promise<Stored | undefined> {
    const { data, headers } = await this.#ask(`$JS.API.DIRECT.GET.${name}`, writeJson({ seq: offset }));
    // Any server that has the stream answers. One that is a moment behind lacks the latest, which the leader has.
    if (headers === undefined || headers.code === 404) return this.#readAtLeader(name, offset);
    if (headers.code >= 400) throw refuse("read history", `status ${headers.code}`);
    return { offset, payload: data, time: Date.parse(headers.get("Nats-Time-Stamp")) };
  }

  async #readAtLeader(name: string, offset: number): Promise<Stored | undefined> {
    const { message } = await this.#request(`STREAM.MSG.GET.${name}`, { seq: offset });
    return message && { offset, payload: fromBase64(message.data ?? ""), time: Date.parse(message.time) };
  }

  #sweepSometimes(): void {
    const now = performance.now();
    if (now - this.#swept < SWEEP) return;
    this.#swept = now;
    // Whatever keeps it from that, the next stream that is made leads to another try.
    this.#sweep().catch(() => {});
  }

  /** Deletes the streams that have been empty for so long that nobody comes back to a position in them. */
  async #sweep(): Promise<void> {
    const unused: string[] = [];
    for (let offset = 0, total = 1; offset < total;) {
      const page = await this.#call<Answer>("STREAM.LIST", { subject: `${this.#prefix}h.>`, offset });
      const streams = page.streams ?? [];
      for (const info of streams) {
        if (typeof info === "object" && isOurs(info.config.name) && isUnused(info)) {
          unused.push(info.config.name);
        }
      }
      offset += streams.length;
      total = streams.length === 0 ? 0 : page.total ?? 0;
    }
    for (const name of unused) await this.#call(`STREAM.DELETE.${name}`);
  }

  /** Asks the API of JetStream; rejects if it refuses. */
  async #call<T = Answer>(verb: string, body?: object): Promise<T> {
    const answer = await this.#request(verb, body);
    if (answer.error !== undefined) throw refuse("keep history", answer.error.description);
    return answer as T;
  }

  /**
   * Asks the API of JetStream. In a cluster some questions are never answered, as those that come while a leader is elected:
   * so it asks again, which changes nothing if the one before has arrived.
   *
   * @param changing Errors that may soon be over.
   */
  async #request<T = unknown>(
    verb: string,
    body?: object,
    changing: readonly number[] = [NOT_AVAILABLE],
  ): Promise<Answer & T> {
    const payload = body === undefined ? new Uint8Array(0) : writeJson(body);
    // Whichever is answered first counts; when one of them is given up, all are.
    const answers: Promise<Answer & T>[] = [];
    for (let attempt = 1;; attempt++) {
      const asked = this.#ask(`$JS.API.${verb}`, payload).then(({ data }) => readJson<Answer & T>(data));
      answers.push(asked);
      let timer: ReturnType<typeof setTimeout> | undefined;
      const pause = new Promise<undefined>((resolve) => {
        timer = setTimeout(() => resolve(undefined), PAUSE * attempt);
      });
      try {
        const answer = await Promise.race([...answers, pause]);
        const mayChange = attempt < ATTEMPTS && changing.includes(answer?.error?.err_code ?? 0);
        if (answer !== undefined && !mayChange) return answer;
        if (mayChange) answers.length = 0;
        await pause;
      } finally {
        clearTimeout(timer);
      }
    }
  }
}

/** Takes the position from the headers of what a stream has published again. */
export function positionOf(headers: NatsHeaders | undefined): Position | undefined {
  if (headers === undefined) return undefined;
  const name = headers.get("Nats-Stream");
  const offset = Number(headers.get("Nats-Sequence"));
  if (!isOurs(name) || !Number.isSafeInteger(offset) || offset < 1) return undefined;
  return { epoch: name.substring(NAME_START.length), offset };
}

function isOurs(name: unknown): name is string {
  return typeof name === "string" && name.startsWith(NAME_START);
}

function isUnused({ config, created, state, ts }: StreamInfo): boolean {
  const now = ts === undefined ? Date.now() : Date.parse(ts);
  const since = Math.max(Date.parse(created), Date.parse(state.last_ts) || 0);
  // A minute more, because clocks differ.
  return state.messages === 0 && now - since > config.max_age / 1_000_000 * POSITION_LIVES + SWEEP;
}

function refuse(action: string, description = "it does not say why"): GroupsError {
  return new GroupsError("broker-refused", { action, cause: new Error(description) });
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

function writeJson(value: object): Uint8Array {
  return encoder.encode(JSON.stringify(value));
}

function readJson<T>(bytes: Uint8Array): T {
  return JSON.parse(decoder.decode(bytes));
}
