/**
 * Clients that send one letter only, and look at every byte that comes back.
 *
 * @module
 */

import { connect as connectTcp, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { constants, deflateRawSync, inflateRawSync } from "node:zlib";
import { Opcode } from "../../lib/protocol/frame.ts";
import { headerSize, writeFrame } from "../../lib/protocol/frame_encoder.ts";
import { prepare, type WebSocketConnection } from "../../mod.ts";
import { sleep } from "../support/serving.ts";
import { connect } from "../support/sluice.ts";
import { UPGRADE } from "../support/wire.ts";
import { foreignIn, type OnForeign, PATIENT, type Way } from "./canary_server.ts";

/** What a client is, and does. */
export interface Canary {
  readonly way: Way;
  readonly port: number;
  /** How the server handles it. */
  readonly mode: string;
  readonly letter: number;
  /** How many messages it sends. */
  readonly count: number;
  readonly compression: boolean;
  /** Whether it cuts the connection in the middle of what it sends. */
  readonly resets: boolean;
  readonly random: () => number;
  readonly onForeign: OnForeign;
}

/** How long a message is: mostly short, now and then larger than what is read at a time. */
function sizeOf(random: () => number): number {
  const chance = random();
  const most = chance < 0.7 ? 125 : chance < 0.94 ? 6_000 : chance < 0.99 ? 70_000 : 250_000;
  return Math.floor(random() * most);
}

const INFLATE = { finishFlush: constants.Z_SYNC_FLUSH } as const;

/** Reads what a server sends, and looks at every byte; what is compressed refers to no earlier message. */
class LetterReader {
  /** The lengths of the messages that came, and how many Pongs did. */
  readonly lengths: number[] = [];
  pongs = 0;
  closed = false;
  readonly #letter: number;
  readonly #onForeign: OnForeign;
  #bytes: Uint8Array = new Uint8Array(0);
  #compressed = false;
  #parts: Uint8Array[] = [];

  constructor(letter: number, onForeign: OnForeign) {
    this.#letter = letter;
    this.#onForeign = onForeign;
  }

  push(chunk: Uint8Array): void {
    const bytes = this.#bytes.length === 0 ? chunk : concat([this.#bytes, chunk]);
    let at = 0;
    for (;;) {
      const size = this.#frameAt(bytes, at);
      if (size === 0) break;
      at += size;
    }
    this.#bytes = new Uint8Array(bytes.subarray(at));
  }

  /** Takes the frame that begins there; returns its size, 0 if it is not whole. */
  #frameAt(bytes: Uint8Array, at: number): number {
    const left = bytes.length - at;
    if (left < 2) return 0;
    const form = bytes[at + 1]! & 127;
    const header = form < 126 ? 2 : form === 126 ? 4 : 10;
    if (left < header) return 0;
    const length = bytes.subarray(at + 2, at + header).reduce((sum, byte) => sum * 256 + byte, 0);
    const size = header + (form < 126 ? form : length);
    if (left < size) return 0;
    this.#take(bytes[at]!, bytes.subarray(at + header, at + size));
    return size;
  }

  #take(first: number, payload: Uint8Array): void {
    const opcode = first & 15;
    if (opcode === Opcode.Close) this.closed = true;
    else if (opcode === Opcode.Pong) {
      this.pongs++;
      this.#look("a Pong", payload);
    } else if (opcode < 8) {
      if (opcode !== Opcode.Continuation) this.#compressed = (first & 64) !== 0;
      this.#parts.push(new Uint8Array(payload));
      if (first >= 128) this.#message();
    }
  }

  #message(): void {
    const payload = concat(this.#parts);
    this.#parts = [];
    const tail = Uint8Array.of(0, 0, 255, 255);
    const message = this.#compressed ? inflateRawSync(concat([payload, tail]), INFLATE) : payload;
    this.#look("a message", message);
    this.lengths.push(message.length);
  }

  #look(what: string, bytes: Uint8Array): void {
    const foreign = foreignIn(bytes, this.#letter);
    if (foreign !== "") this.#onForeign(`${what}: ${foreign}`);
  }
}

function concat(parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

/** What a raw client writes: bytes, and for how many milliseconds it then waits. */
type Piece = Uint8Array | number;

/** Makes a masked frame, cut behind its header now and then; `cut`: certainly there, and for so long. */
function* frame(opcode: Opcode, payload: Uint8Array, { fin, rsv1, random, cut }: {
  readonly fin: boolean;
  readonly rsv1: boolean;
  readonly random: () => number;
  readonly cut?: number;
}): Generator<Piece> {
  const header = headerSize(payload.length, true);
  const bytes = new Uint8Array(header + payload.length);
  writeFrame(bytes, 0, { fin, rsv1, opcode, payload }, Math.floor(random() * 2 ** 32) | 0);
  if (cut === undefined && random() < 0.6) return yield bytes;
  const at = cut !== undefined || random() < 0.7 ? header : Math.floor(random() * bytes.length);
  yield bytes.subarray(0, at);
  yield cut ?? (random() < 0.5 ? 0 : 1 + random() * 3);
  yield bytes.subarray(at);
}

/**
 * Makes the frames of a binary message of which only the headers come at first: memory is lent for what follows, and the
 * handler may begin to stream meanwhile.
 */
function* announced(size: number, { letter, random }: Canary): Generator<Piece> {
  const flags = { rsv1: false, random };
  yield* frame(Opcode.Binary, new Uint8Array(0), { ...flags, fin: false });
  yield* frame(Opcode.Continuation, new Uint8Array(size).fill(letter), { ...flags, fin: true, cut: 120 });
}

/** Makes the frames of a message of one letter: fragments, empty ones too, and Pings among them. */
function* messageFrames(size: number, canary: Canary, onPing: () => void): Generator<Piece> {
  const { letter, random } = canary;
  const plain = new Uint8Array(size).fill(letter);
  const rsv1 = canary.compression && random() < 0.7;
  const content: Uint8Array = rsv1
    ? deflateRawSync(plain, { finishFlush: constants.Z_SYNC_FLUSH }).subarray(0, -4)
    : plain;
  const count = random() < 0.4 ? 1 : 1 + Math.floor(random() * 4);
  const borders = Array.from({ length: count - 1 }, () => {
    const chance = random();
    return chance < 0.3 ? 0 : chance < 0.4 ? content.length : Math.floor(random() * content.length);
  }).sort((a, b) => a - b);
  const kind = random() < 0.3 ? Opcode.Text : Opcode.Binary;
  let start = 0;
  for (let i = 0; i < count; i++) {
    if (random() < 0.15) {
      onPing();
      const payload = new Uint8Array(Math.floor(random() * 126)).fill(letter);
      yield* frame(Opcode.Ping, payload, { fin: true, rsv1: false, random });
    }
    const end = borders[i] ?? content.length;
    const flags = { fin: i === count - 1, rsv1: rsv1 && i === 0, random };
    yield* frame(i === 0 ? kind : Opcode.Continuation, content.subarray(start, end), flags);
    start = end;
  }
}

async function dial({ way, port, mode, letter, compression }: Canary): Promise<Socket> {
  const at = { port, host: "127.0.0.1" };
  const socket = way === "tls" ? connectTls({ ...at, rejectUnauthorized: false }) : connectTcp(at);
  await new Promise<void>((resolve, reject) => {
    socket.once(way === "tls" ? "secureConnect" : "connect", resolve).once("error", reject);
  });
  socket.setNoDelay(true);
  const offer = "Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover; " +
    "client_no_context_takeover\r\n";
  const head = UPGRADE.replace("/", `/${mode}?letter=${letter}`);
  socket.write(compression ? head.replace("\r\n\r\n", `\r\n${offer}\r\n`) : head);
  await new Promise<void>((resolve, reject) => {
    let text = "";
    const onData = (chunk: Uint8Array) => {
      text += new TextDecoder("latin1").decode(chunk);
      if (!text.endsWith("\r\n\r\n")) return;
      socket.off("data", onData);
      if (text.startsWith("HTTP/1.1 101")) resolve();
      else reject(new Error(`Not upgraded: ${text}`));
    };
    socket.on("data", onData);
  });
  return socket;
}

/** Sends by hand, cut anywhere; resolves when all has come back, and returns how many messages it sent. */
export async function flyByHand(canary: Canary): Promise<number> {
  const { count, letter, random, resets, onForeign } = canary;
  const socket = await dial(canary);
  const reader = new LetterReader(letter, (where) => onForeign(`a raw client of ${canary.mode}: ${where}`));
  const expected: number[] = [];
  let wake = () => {};
  let over = false;
  socket.on("error", () => {});
  socket.on("close", () => (over = true, wake()));
  socket.on("data", (chunk: Uint8Array) => {
    reader.push(chunk);
    wake();
    // A slow reader.
    if (random() < 0.02) {
      socket.pause();
      setTimeout(() => socket.resume(), 10);
    }
  });
  const until = async (condition: () => boolean) => {
    while (!condition() && !over) await new Promise<void>((resolve) => wake = resolve);
  };
  let pings = 0;
  const resetAt = resets ? Math.floor(random() * count) : -1;
  for (let i = 0; i < count && !over; i++) {
    const inTwo = i === 0 && (canary.mode === "late" || random() < 0.2);
    const size = inTwo ? 4_096 + Math.floor(random() * 8_000) : sizeOf(random);
    expected.push(size);
    const pieces = inTwo ? announced(size, canary) : messageFrames(size, canary, () => pings++);
    for (const piece of pieces) {
      if (typeof piece !== "number") socket.write(piece);
      else if (piece === 0) await new Promise((resolve) => setImmediate(resolve));
      else await sleep(piece);
      if (i === resetAt && random() < 0.4) {
        if (canary.way === "tls") socket.destroy();
        else socket.resetAndDestroy();
        return i;
      }
    }
    // Others would wait for us for ever, and we for them.
    await until(() => reader.lengths.length >= expected.length - 6);
  }
  await until(() => reader.lengths.length >= expected.length);
  const outcome =
    `${reader.lengths.length} messages of ${expected.length}, ${reader.pongs} Pongs of ${pings}`;
  if (!`${expected}`.startsWith(`${reader.lengths}`) || expected.length !== reader.lengths.length) {
    onForeign(`a raw client of ${canary.mode} got ${outcome}: ${reader.lengths} for ${expected}`);
  }
  if (pings > 0 && reader.pongs === 0) onForeign(`a raw client of ${canary.mode} got ${outcome}`);
  socket.destroy();
  return count;
}

/** Sends with Sluice's own client, in any of its ways. */
export async function flyWithSluice(canary: Canary, ca: string | undefined): Promise<number> {
  const { way, port, mode, letter, count, random, compression, resets, onForeign } = canary;
  const scheme = way === "tls" ? "wss" : "ws";
  const socket = await connect(`${scheme}://127.0.0.1:${port}/${mode}?letter=${letter}`, {
    ...PATIENT,
    compression: compression && { contextTakeover: true, threshold: 0 },
    ...ca !== undefined && { tls: { ca } },
  });
  const look = (what: string, data: string | Uint8Array) => {
    const foreign = foreignIn(data, letter);
    if (foreign !== "") onForeign(`Sluice's client of ${mode}, ${what}: ${foreign}`);
  };
  const sizes: number[] = [];
  const reading = random() < 0.5 ? readWhole(socket, count, look) : readStreamed(socket, count, look);
  try {
    for (let i = 0; i < count; i++) {
      if (resets && random() < 1 / count) {
        socket.abort();
        await reading.catch(() => {});
        return i;
      }
      sizes.push(await sendOne(socket, { letter, random }));
      if (random() < 0.2) await socket.ping({ data: new Uint8Array(9).fill(letter) });
    }
    const lengths = await reading;
    if (`${lengths}` !== `${sizes}`) {
      onForeign(`Sluice's client of ${mode} got messages of ${lengths} bytes for ${sizes}`);
    }
  } finally {
    socket.close();
  }
  return count;
}

async function sendOne(
  socket: WebSocketConnection,
  { letter, random }: Pick<Canary, "letter" | "random">,
): Promise<number> {
  const size = sizeOf(random);
  const bytes = new Uint8Array(size).fill(letter);
  const chance = random();
  if (chance < 0.5) await socket.send(random() < 0.5 ? bytes : String.fromCharCode(letter).repeat(size));
  else if (chance < 0.7) await socket.send(prepare(bytes));
  else {
    const parts: Uint8Array[] = [];
    for (let at = 0; at < size;) {
      const part = bytes.subarray(at, at + 1 + Math.floor(random() * size));
      parts.push(part);
      at += part.length;
    }
    await socket.sendStream(ReadableStream.from(parts));
  }
  return size;
}

type Look = (what: string, data: string | Uint8Array) => void;

async function readWhole(socket: WebSocketConnection, count: number, look: Look): Promise<number[]> {
  const lengths: number[] = [];
  const kept: (string | Uint8Array)[] = [];
  for await (const message of socket) {
    look("a message", message);
    kept.push(message);
    if (lengths.push(message.length) === count) break;
  }
  for (const message of kept) look("a message that was kept", message);
  return lengths;
}

async function readStreamed(socket: WebSocketConnection, count: number, look: Look): Promise<number[]> {
  const lengths: number[] = [];
  for await (const message of socket.incoming()) {
    const parts: (string | Uint8Array)[] = [];
    for await (const part of message.readable) {
      look("a part", part);
      parts.push(part);
    }
    for (const part of parts) look("a part that was kept", part);
    if (lengths.push(parts.reduce((sum, { length }) => sum + length, 0)) === count) break;
  }
  return lengths;
}
