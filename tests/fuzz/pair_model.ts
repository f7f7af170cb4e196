/**
 * Two ends of a connection, what each of them is told to do, and a model of what must come of it.
 *
 * @module
 */

import { assert, assertEquals } from "#std/assert";
import { setImmediate as turn } from "node:timers/promises";
import { zlibCodec } from "../../lib/adapters/zlib/codec.ts";
import { Compression } from "../../lib/handshake/compression.ts";
import { Connection } from "../../lib/connection/connection.ts";
import { readLimits } from "../../lib/connection/limits.ts";
import type { EndpointDeflate } from "../../lib/protocol/endpoint.ts";
import type { Message } from "../../lib/protocol/message_assembler.ts";
import { parseExtensions } from "../../lib/handshake/extensions.ts";
import { type IncomingMessage, prepare } from "../../mod.ts";
import { concat } from "../vectors/hex.ts";
import { FrameCounter } from "./frame_counter.ts";
import { type LinkEnd, makeLink } from "./memory_link.ts";

/** How a pair is set up. */
export interface Terms {
  readonly compression: "none" | "takeover" | "no takeover";
  /** Of the client, and of the server. */
  readonly highWaterMarks: readonly [number, number];
}

/** How a streamed message is read. */
export type StreamedRead =
  | { readonly how: "text" | "bytes" | "cancel" | "skip" | "default" }
  | { readonly how: "byob" | "two byob" | "min"; readonly size: number }
  | { readonly how: "part"; readonly reads: number };

/** Something that is done to one end of a pair. */
export type Command =
  | { readonly do: "send" | "prepare"; readonly text: boolean; readonly size: number }
  | {
    readonly do: "sendStream";
    readonly text: boolean;
    readonly sizes: readonly number[];
    readonly fails: boolean;
  }
  | { readonly do: "sendInPull"; readonly sizes: readonly number[] }
  | { readonly do: "ping" }
  | { readonly do: "iterate"; readonly count: number; readonly how: "ahead" | "plainly" | "and reply" }
  | { readonly do: "read"; readonly count: number }
  | { readonly do: "incoming"; readonly read: StreamedRead }
  | { readonly do: "close"; readonly closeCode: number }
  | { readonly do: "abort" }
  | { readonly do: "cut" }
  | { readonly do: "deliver"; readonly bytes: number; readonly times: number }
  | { readonly do: "slow"; readonly slow: boolean }
  | { readonly do: "wait" };

/** A message that was given to be sent. */
interface Sent {
  readonly data: Message;
  /** Whether its promise rejected: it may have arrived, or not. */
  failed: boolean;
  /** Whether it answers a message that was asked for before the end, and was sent before the next was asked for. */
  readonly isReply: boolean;
}

/** A message that was received, or as much of it as was read. */
interface Received {
  readonly data: Message;
  readonly whole: boolean;
}

const CLOSED = Symbol("closed");

/** One end. */
class Side {
  readonly name: string;
  readonly link: LinkEnd;
  readonly connection: Connection;
  readonly sent: Sent[] = [];
  readonly received: Received[] = [];
  /** What has arrived at this end. */
  readonly arrived: FrameCounter;
  /** What still has to settle. */
  readonly pending: Set<Promise<unknown>> = new Set();
  closeCode: number | undefined;
  aborted = false;
  broken = false;
  end: unknown;
  #reads: Promise<void> = Promise.resolve();
  #messages: AsyncIterator<Message, undefined> | undefined;
  #incoming: AsyncIterator<IncomingMessage, undefined> | undefined;
  #ended = false;
  #counter = 0;

  constructor(name: string, link: LinkEnd, connection: Connection) {
    this.name = name;
    this.link = link;
    this.connection = connection;
    this.arrived = new FrameCounter();
    link.onDelivered = (bytes) => this.arrived.push(bytes);
    this.#watch(connection.closed.then((info) => this.end = info, (error) => this.end = error));
  }

  /** Makes a message whose every byte says which it is. */
  #make(text: boolean, size: number): Message {
    const mark = `${this.name}${this.#counter++ % 10}`;
    if (text) return (mark + "é").repeat(Math.ceil(size / 3)).slice(0, size);
    const bytes = new Uint8Array(size);
    for (let i = 0; i < size; i++) bytes[i] = mark.charCodeAt(i & 1);
    return bytes;
  }

  send(text: boolean, size: number, prepared: boolean): void {
    const data = this.#make(text, size);
    const copy = typeof data === "string" ? data : data.slice();
    this.#record(data, () => this.connection.send(prepared ? prepare(copy) : copy));
    // The bytes are ours again.
    if (typeof copy !== "string") copy.fill(0x21);
  }

  sendStream(text: boolean, sizes: readonly number[], fails: boolean): void {
    const parts = sizes.map((size) => this.#make(text, size));
    const data = join(text ? "text" : "binary", parts);
    const left = parts.slice();
    const source = new ReadableStream<string | Uint8Array>({
      pull: (controller) => {
        const part = left.shift();
        if (part !== undefined) return controller.enqueue(part);
        if (fails) throw new Error("the source failed");
        controller.close();
      },
    }, { highWaterMark: 0 });
    if (fails && this.connection.bufferedAmount >= 0) this.broken = true;
    this.#record(data, () => this.connection.sendStream(source, { type: text ? "text" : "binary" }));
  }

  /** Sends a message from inside the source of another: it comes after it. */
  sendInPull(sizes: readonly number[]): void {
    const parts = sizes.map((size) => this.#make(false, size) as Uint8Array);
    const data = concat(parts);
    let inner = false;
    const source = new ReadableStream<Uint8Array>({
      pull: (controller) => {
        if (!inner) {
          inner = true;
          this.sendStream(false, [3, 4], false);
          this.send(true, 5, false);
        }
        const part = parts.shift();
        if (part === undefined) controller.close();
        else controller.enqueue(part);
      },
    }, { highWaterMark: 0 });
    this.#record(data, () => this.connection.sendStream(source));
  }

  ping(): void {
    this.#watch(this.connection.ping().then((time) => assert(time >= 0), () => {}));
  }

  /** Reads messages one by one, or asks for two before one is there; may answer each, in a later task. */
  iterate(count: number, how: "ahead" | "plainly" | "and reply"): void {
    this.#then(async () => {
      if (this.#incoming !== undefined) return;
      this.#messages ??= this.connection[Symbol.asyncIterator]();
      for (let i = 0; i < count && !this.#ended; i++) {
        const isOpen = this.end === undefined;
        const asked = Array.from({ length: how === "ahead" ? 2 : 1 }, () => this.#messages!.next());
        for (const next of asked) this.#take(await next.catch(() => CLOSED));
        if (how !== "and reply" || this.#ended) continue;
        await turn();
        const reply = this.#make(true, 7);
        this.#record(reply, () => this.connection.send(reply), isOpen);
      }
    });
  }

  /** Reads messages from `readable`, and lets go of it. */
  read(count: number): void {
    this.#then(async () => {
      if (this.#incoming !== undefined) return;
      const reader = this.connection.readable.getReader();
      for (let i = 0; i < count && !this.#ended; i++) this.#take(await reader.read().catch(() => CLOSED));
      reader.releaseLock();
    });
  }

  /** Reads a message as it comes. */
  incoming(read: StreamedRead): void {
    this.#then(async () => {
      if (this.#ended) return;
      this.#incoming ??= this.connection.incoming()[Symbol.asyncIterator]();
      const next = await this.#incoming.next().catch(() => CLOSED);
      if (typeof next === "symbol" || next.done) this.#ended = true;
      else this.received.push(await readStreamed(next.value, read));
    });
  }

  close(closeCode: number): void {
    if (this.end === undefined) this.closeCode ??= closeCode;
    this.connection.close({ closeCode });
  }

  abort(): void {
    this.aborted = true;
    this.connection.abort();
  }

  /** Reads what is left, to the end. */
  finish(): void {
    this.#then(async () => {
      while (!this.#ended) {
        if (this.#incoming === undefined) {
          this.#messages ??= this.connection[Symbol.asyncIterator]();
          this.#take(await this.#messages.next().catch(() => CLOSED));
        } else {
          const next = await this.#incoming.next().catch(() => CLOSED);
          if (typeof next === "symbol" || next.done) this.#ended = true;
          else this.received.push(await readStreamed(next.value, { how: "default" }));
        }
      }
    });
    this.#watch(this.#reads);
  }

  #take(result: { done?: boolean | undefined; value?: Message | undefined } | symbol): void {
    if (typeof result === "symbol" || result.done) this.#ended = true;
    else this.received.push({ data: result.value!, whole: true });
  }

  #then(read: () => Promise<void>): void {
    this.#reads = this.#reads.then(read);
    this.#watch(this.#reads);
  }

  #record(data: Message, send: () => Promise<void>, isReply = false): void {
    const sent: Sent = { data, failed: false, isReply };
    this.sent.push(sent);
    this.#watch(send().catch(() => sent.failed = true));
  }

  #watch(promise: Promise<unknown>): void {
    this.pending.add(promise);
    promise.then(() => this.pending.delete(promise), () => {});
  }
}

/** Reads a streamed message in some way. */
async function readStreamed(message: IncomingMessage, read: StreamedRead): Promise<Received> {
  const { type, readable } = message;
  const parts: Message[] = [];
  try {
    if (read.how === "cancel") await readable.cancel();
    if (read.how === "cancel" || read.how === "skip") return { data: join(type, []), whole: false };
    if (read.how === "text") {
      const text = await message.text();
      return { data: type === "text" ? text : new TextEncoder().encode(text), whole: true };
    }
    if (read.how === "bytes") {
      const bytes = await message.bytes();
      return { data: type === "text" ? new TextDecoder().decode(bytes) : bytes, whole: true };
    }
    if (read.how === "part") {
      const whole = await readParts(readable, read.reads, parts);
      return { data: join(type, parts), whole };
    }
    if (!("size" in read) || type === "text") { for await (const part of readable) parts.push(part); }
    else await readBytes(readable as ReadableStream<Uint8Array>, read, parts);
    return { data: join(type, parts), whole: true };
  } catch {
    return { data: join(type, parts), whole: false };
  }
}

/** Reads so many parts, and lets go; tells whether that was all. */
async function readParts(
  readable: ReadableStream<Message>,
  count: number,
  parts: Message[],
): Promise<boolean> {
  const reader = readable.getReader();
  for (let i = 0; i < count; i++) {
    const { done, value } = await reader.read();
    if (done) return true;
    parts.push(value);
  }
  reader.releaseLock();
  return false;
}

/** Reads a byte stream with memory of the reader's own. */
async function readBytes(
  readable: ReadableStream<Uint8Array>,
  { how, size }: { readonly how: string; readonly size: number },
  parts: Message[],
): Promise<void> {
  const reader = readable.getReader({ mode: "byob" });
  const options = how === "min" ? { min: size } : undefined;
  const ask = () => reader.read(new Uint8Array(size), ...(options === undefined ? [] : [options]) as []);
  for (;;) {
    const asked = how === "two byob" ? [ask(), ask()] : [ask()];
    const reads = await Promise.all(asked);
    for (const { done, value } of reads) {
      if (value !== undefined && value.length > 0) parts.push(new Uint8Array(value));
      if (done) return;
    }
  }
}

function join(type: "text" | "binary", parts: readonly Message[]): Message {
  if (type === "text") return parts.join("");
  return concat(parts as Uint8Array[]);
}

function compressionOf(
  { compression }: Terms,
): { extensions: string; start: () => [EndpointDeflate, EndpointDeflate] } {
  const option = { codec: zlibCodec, threshold: 4, level: 1, contextTakeover: compression === "takeover" };
  const settings = Compression.read(option, undefined)!;
  const accepted = settings.accept(parseExtensions(settings.offer)!)!;
  const confirmed = settings.confirm(accepted.header)!;
  return { extensions: accepted.header, start: () => [confirmed.start(), accepted.start()] };
}

/** Two ends, joined in memory. */
export class Pair {
  readonly sides: readonly [Side, Side];
  #cut = false;

  constructor(terms: Terms) {
    const links = makeLink();
    const compressed = terms.compression !== "none";
    const { extensions, start } = compressionOf(terms);
    const deflate = compressed ? start() : [undefined, undefined];
    const sides = links.map((link, i) => {
      const highWaterMark = terms.highWaterMarks[i]!;
      const connection = new Connection(link, {
        role: i === 0 ? "client" : "server",
        protocol: "",
        extensions: compressed ? extensions : "",
        deflate: deflate[i],
        limits: readLimits({ keepalive: false, highWaterMark, closeTimeout: 60_000 }),
        rest: new Uint8Array(0),
      });
      return new Side(i === 0 ? "c" : "s", link, connection);
    });
    this.sides = [sides[0]!, sides[1]!];
  }

  /** Does something to one end. */
  async run(at: 0 | 1, command: Command): Promise<void> {
    const side = this.sides[at];
    switch (command.do) {
      case "send":
      case "prepare":
        return side.send(command.text, command.size, command.do === "prepare");
      case "sendStream":
        return side.sendStream(command.text, command.sizes, command.fails);
      case "sendInPull":
        return side.sendInPull(command.sizes);
      case "ping":
        return side.ping();
      case "iterate":
        return side.iterate(command.count, command.how);
      case "read":
        return side.read(command.count);
      case "incoming":
        return side.incoming(command.read);
      case "close":
        return side.close(command.closeCode);
      case "abort":
        return side.abort();
      case "cut":
        this.#cut = true;
        return side.link.cut();
      case "deliver":
        for (let i = 0; i < command.times; i++) side.link.arrive(command.bytes);
        return;
      case "slow":
        side.link.slow = command.slow;
        return;
      case "wait":
        await turn();
        for (const { link } of this.sides) link.finishTurn();
    }
  }

  /** Lets everything arrive and be read, closes what is open, and holds the outcome to the model. */
  async finish(): Promise<void> {
    for (const { link } of this.sides) link.slow = false;
    await this.#settle();
    for (const side of this.sides) side.finish();
    await this.#settle();
    if (this.sides.every(({ end }) => end === undefined)) {
      for (const [i, side] of this.sides.entries()) this.#compare(side, this.sides[1 - i]!);
      this.sides[0].close(4000);
    }
    await this.#settle();
    for (const [i, side] of this.sides.entries()) {
      const peer = this.sides[1 - i]!;
      assert(side.end !== undefined, `${side.name}: closed did not settle`);
      assertEquals(side.pending.size, 0, `${side.name}: promises are left`);
      assertEquals(side.link.open, false, `${side.name}: the transport is still open`);
      this.#compare(side, peer);
      this.#checkEnd(side, peer);
    }
  }

  /** Moves everything until nothing moves any more. */
  async #settle(): Promise<void> {
    for (let quiet = 0; quiet < 3;) {
      let moved = false;
      for (const { link } of this.sides) {
        moved = link.arrive(Infinity) || moved;
        moved = link.finishWrite() || moved;
        moved = link.finishTurn() || moved;
      }
      await turn();
      quiet = moved ? 0 : quiet + 1;
    }
  }

  /** Holds what one end received to what the other sent. */
  #compare(side: Side, { sent, ...peer }: Side): void {
    const left = sent.slice();
    for (const { data, whole } of side.received) {
      for (;;) {
        const next = left.shift();
        assert(next !== undefined, `${side.name} received what was never sent, or twice: ${show(data)}`);
        if (whole ? equal(data, next.data) : begins(next.data, data)) break;
        assert(next.failed, `${side.name}: expected ${show(next.data)}, received ${show(data)}`);
      }
    }
    const own = side.aborted || side.closeCode !== undefined || side.broken;
    if (own) return;
    // Whatever happened to the stream: what had arrived is not lost.
    const least = side.arrived.messages;
    assert(
      side.received.length >= least,
      `${side.name} was given ${least} messages, and received ${side.received.length}`,
    );
    if (this.#cut || peer.aborted || peer.broken) return;
    const lost = left.filter(({ failed }) => !failed).length;
    assertEquals(lost, 0, `${side.name}: messages that were sent did not arrive`);
  }

  #checkEnd(side: Side, peer: Side): void {
    if (this.#cut || this.sides.some(({ aborted }) => aborted)) return;
    const isOver = [side, peer].some(({ broken }) => broken) || side.closeCode !== undefined;
    const refused = isOver ? 0 : side.sent.filter(({ isReply, failed }) => isReply && failed).length;
    assertEquals(refused, 0, `${side.name}: replies to messages before a Close were refused`);
    const codes = [side.closeCode, peer.closeCode, ...this.sides.some(({ broken }) => broken) ? [1011] : []];
    const { closeCode } = side.end as { closeCode?: number };
    assert(
      !(side.end instanceof Error) && codes.includes(closeCode),
      `${side.name} ended with ${
        side.end instanceof Error ? side.end.message : closeCode
      }, not one of ${codes}`,
    );
  }
}

function equal(a: Message, b: Message): boolean {
  if (typeof a === "string" || typeof b === "string") return a === b;
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/** Whether one message, which may be empty, begins another. */
function begins(whole: Message, part: Message): boolean {
  if (part.length === 0) return true;
  if (typeof whole !== typeof part) return false;
  return equal(whole.slice(0, part.length), part);
}

function show(message: Message): string {
  const text = typeof message === "string" ? message : String.fromCharCode(...message.slice(0, 8));
  return `${typeof message === "string" ? "text" : "binary"} of ${message.length}, "${text.slice(0, 8)}"`;
}
