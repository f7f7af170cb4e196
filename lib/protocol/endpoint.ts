/**
 * One end of an open connection, without any I/O: bytes and commands in, events and bytes out (RFC 6455 §5 to §8).
 *
 * The driver's side of the contract:
 * - what comes from the network goes into {@linkcode Endpoint.receive}, then {@linkcode Endpoint.next} is called until
 *   it returns `undefined`;
 * - a Close or a fault takes its place in the order of messages: the event `end` says that it has come, and
 *   {@linkcode Endpoint.allRead} is called when the messages before it have been read;
 * - what happens to the stream is told by {@linkcode Endpoint.flushed}, {@linkcode Endpoint.peerEnded} and
 *   {@linkcode Endpoint.lost};
 * - after each of these calls, and after each command, what {@linkcode Endpoint.output} holds is to be sent, and what
 *   {@linkcode Endpoint.life} says is to be done: end our direction of the stream (`shutdown`), free it (`destroy`), call
 *   {@linkcode Endpoint.late} in some time (`deadline`);
 * - while {@linkcode Endpoint.turnIsOver} is true, no more bytes are given to it; when other connections have had their turn,
 *   {@linkcode Endpoint.startTurn} is called, and `next` again;
 * - while too much waits to be sent, {@linkcode Endpoint.congested} is true, and {@linkcode Endpoint.relieve} is called
 *   when that is over.
 *
 * @module
 */

import { WebSocketError, type WebSocketErrorCode } from "../errors.ts";
import { bufferPool } from "./buffer_pool.ts";
import { copyBytes } from "./bytes.ts";
import { type CloseInfo, readClosePayload, writeClosePayload } from "./close_payload.ts";
import type { Deflater, Inflater } from "./deflate_codec.ts";
import { type Frame, isControl, Opcode, type Role } from "./frame.ts";
import { FrameDecoder } from "./frame_decoder.ts";
import { isMessage, type Message, MessageAssembler, type MessagePart } from "./message_assembler.ts";
import { EncodedMessage } from "./prepared_message.ts";
import { READ_SIZE, ReadBuffers, type ReadTarget } from "./read_buffers.ts";
import { SendBuffer } from "./send_buffer.ts";
import { type Happening, LIFE, type Life, type State, type Step, transition } from "./state.ts";

/** What an {@linkcode Endpoint} tells its driver: a message as it is, without an object around it, or something else. */
export type EndpointEvent = Message | EndpointNotice;

/** What an {@linkcode Endpoint} tells its driver besides whole messages. After `close` and `error` there is no more. */
export type EndpointNotice =
  | { readonly type: "part"; readonly part: MessagePart }
  | { readonly type: "pong"; readonly payload: Uint8Array }
  | { readonly type: "end" }
  | { readonly type: "close"; readonly info: CloseInfo }
  | { readonly type: "error"; readonly error: WebSocketError };

/** The limits that an {@linkcode Endpoint} holds its peer to. */
export interface EndpointOptions {
  /** Whose side we are. */
  role: Role;
  /** The longest message that is received, in bytes. */
  maxMessageSize: number;
  /** How many empty fragments may come in a row. */
  maxEmptyFragments: number;
  /** How messages are compressed, if that was agreed on. */
  deflate?: EndpointDeflate | undefined;
  /** Up to how many bytes a message is copied out of what was received, rather than a view. @default {0} */
  copyUpTo?: number | undefined;
}

/** permessage-deflate, as one end does it (RFC 7692). */
export interface EndpointDeflate {
  /** Decompresses what comes in. */
  readonly inflater: Inflater;
  /** Compresses what goes out; without one nothing is. */
  readonly deflater: Deflater | undefined;
  /** Messages of fewer bytes go out as they are. */
  readonly threshold: number;
  /** Whether a message that does not get smaller may go out as it is: not if later ones would refer to it. */
  readonly optional: boolean;
  /** Names all that a compressed message depends on, if it is not earlier messages: equal names, equal bytes. */
  readonly profile: string;
}

/**
 * How many frames of one peer are taken before others have their turn. A peer that sends messages of a byte as fast as it
 * can held Node's loop for 90 ms at a time, Deno's for 180 and Bun's for 290: now none for more than 6. Fewer would cost
 * more than they win: with 256, a tenth of the throughput. Nobody who waits for answers sends so many at once.
 */
const FRAMES_PER_TURN = 512;

/** For fewer bytes than this a read of its own is not worth it: what follows may come with them. */
const MIN_READ = 4_096;

/**
 * How many bytes that come out of the decompressor take as much of a turn as a frame does: 256 KiB are a turn. What comes
 * in says nothing of that: 62 kB held Node's loop for 0.3 s.
 */
const BYTES_PER_FRAME = 512;

const encoder = new TextEncoder();

/** What a peer ends a connection with: its Close, or a fault of its own. */
type PeerEnd = { readonly info: CloseInfo } | { readonly error: WebSocketError };

function makeFrame(opcode: Opcode, payload: Uint8Array): Frame {
  return { fin: true, rsv1: false, opcode, payload };
}

/** Speaks the protocol for one end of a connection. */
export class Endpoint implements ReadTarget {
  /** The frames that are to be sent. */
  readonly output: SendBuffer;
  /** Whether too much waits to be sent: then Pings are not answered one by one, but the latest (RFC 6455 §5.5.3). */
  congested = false;

  readonly #decoder: FrameDecoder;
  readonly #assembler: MessageAssembler;
  readonly #deflate: EndpointDeflate | undefined;
  readonly #role: Role;
  #life: Life = LIFE.open;
  /** What the peer has ended the connection with, as long as that is not answered. Nothing after it is decoded. */
  #end: PeerEnd | undefined;
  #streaming = false;
  /** What is read into while a large message is streamed. */
  #readBuffers: ReadBuffers | undefined;
  #pendingPong: Uint8Array | undefined;
  /** How many frames were taken in this turn. */
  #frames = 0;

  /**
   * Makes an endpoint whose opening handshake is done.
   *
   * @param options Its role and limits.
   */
  constructor(options: EndpointOptions) {
    const { role, maxMessageSize, deflate } = options;
    this.#role = role;
    this.output = new SendBuffer(role);
    this.#decoder = new FrameDecoder({
      ...options,
      rsv1: deflate !== undefined,
      pieces: true,
      ownMessages: true,
    });
    this.#assembler = new MessageAssembler({ maxMessageSize, inflater: deflate?.inflater });
    this.#deflate = deflate;
  }

  /** Hands on messages in parts from now on, also the one under way, none of more than so many bytes. */
  stream(maxMessageSize: number): void {
    this.#streaming = true;
    this.#decoder.limit(maxMessageSize);
    this.#assembler.maxMessageSize = maxMessageSize;
    this.#assembler.startStreaming();
    // Whoever reads a part copies it.
    this.#decoder.ownMessages = false;
  }

  /** Sets whether a binary message that is received in one frame has a buffer of its own, which takes a copy. */
  set ownMessages(own: boolean) {
    if (!this.#streaming) this.#decoder.ownMessages = own;
  }

  /** Whether no more may be decoded than there is room for: one read may bring a thousand times as much as was compressed. */
  get decodesOnDemand(): boolean {
    return this.#deflate !== undefined;
  }

  /** Where the connection stands, and what is to be done about its stream. */
  get life(): Life {
    return this.#life;
  }

  /** The name of that. */
  get state(): State {
    return this.#life.state;
  }

  /** Whether messages can be sent. */
  get canSend(): boolean {
    return this.#life.sends;
  }

  /** Whether all frames that there will ever be have been exchanged, or no more can be. */
  get finished(): boolean {
    return this.#life.over;
  }

  /**
   * Takes bytes from the network; the events come from {@linkcode Endpoint.next}.
   *
   * @param chunk The bytes. They belong to the endpoint from now on.
   */
  receive(chunk: Uint8Array): void {
    if (this.#life.receives !== "nothing") this.#decoder.push(chunk);
  }

  /**
   * Lends the memory of the message that the next bytes belong to, which saves a copy; or where messages are streamed,
   * memory whose bytes have been read.
   */
  nextBuffer(): Uint8Array | undefined {
    const { missing, remaining } = this.#decoder;
    if (this.#life !== LIFE.open) return undefined;
    // Between two fragments of a large message, too.
    const large = missing >= MIN_READ || (this.#streaming && this.#assembler.size >= READ_SIZE);
    if (!large) return undefined;
    try {
      if (this.#streaming) return (this.#readBuffers ??= new ReadBuffers()).next();
      return this.#assembler.readTarget(remaining)?.subarray(0, missing);
    } catch {
      // There is no memory. What is read elsewhere does not find any either, and that fails the connection.
      return undefined;
    }
  }

  /**
   * Works through the bytes received, up to the next thing the driver must hear of. Never throws for what a peer did.
   *
   * @returns The event, or `undefined` when the bytes are used up, or the turn is over.
   */
  next(): EndpointEvent | undefined {
    if (this.#life.receives === "nothing") return undefined;
    try {
      while (!this.turnIsOver) {
        let event: EndpointEvent | undefined;
        if (this.#assembler.decompressing) event = this.#moreData();
        else {
          const frame = this.#decoder.next();
          if (frame === undefined) return this.#life === LIFE.lost ? this.#finishLost() : undefined;
          this.#frames++;
          event = isControl(frame.opcode) ? this.#control(frame) : this.#data(frame);
        }
        if (event !== undefined) return event;
      }
      return undefined;
    } catch (error) {
      if (!(error instanceof WebSocketError)) throw error;
      return this.#life === LIFE.open ? this.#hold("violate", { error }) : this.fail(error);
    }
  }

  /** Whether so much was done for this peer that others should have their turn, before {@linkcode Endpoint.startTurn} is called. */
  get turnIsOver(): boolean {
    return this.#frames + this.#assembler.decompressed / BYTES_PER_FRAME >= FRAMES_PER_TURN;
  }

  /** Ends the turn before it has begun. */
  endTurn(): void {
    this.#frames = FRAMES_PER_TURN;
  }

  /** Begins to count again: a turn is over. */
  startTurn(): void {
    this.#frames = 0;
    this.#assembler.decompressed = 0;
  }

  /**
   * Records that what came before the peer's end has been read, and more is asked for. The end is answered: a Close by one
   * with the same code and reason (RFC 6455 §5.5.1), a fault by its own code (§7.1.7).
   *
   * @returns `close` or `error`.
   */
  allRead(): EndpointNotice | undefined {
    return this.#end && this.#answer("allRead");
  }

  /** Records that all output is written. The server ends the stream first (§7.1.1), or whoever fails (§7.1.7). */
  flushed(): void {
    if (this.#life !== LIFE.closed || this.#role === "server") this.#note("flushed");
  }

  /**
   * Records that the peer ended its direction of the stream.
   *
   * @returns The error, if that was too early.
   */
  peerEnded(): EndpointNotice | undefined {
    return this.#note("peerEnded", "connection-lost");
  }

  /**
   * Records that the deadline is over: the peer's end is answered, or the stream given up.
   *
   * @returns How the connection ended, if that was not known.
   */
  late(): EndpointNotice | undefined {
    return this.#end === undefined ? this.#note("late", "close-timeout") : this.#answer("late");
  }

  /** Gives the connection up: nothing more is sent or received. */
  abort(): void {
    this.#note("abort");
  }

  /**
   * Records that the stream is gone in both directions. While the state is `lost`, {@linkcode Endpoint.next} goes on with
   * what had arrived, up to the first fault or Close.
   *
   * @param cause Why it is gone.
   * @returns How the connection ended, if that was not known: with the peer's end, whose turn does not come any more.
   */
  lost(cause?: unknown): EndpointNotice | undefined {
    return this.#end === undefined ? this.#note("lost", "connection-lost", cause) : this.#answer("lost");
  }

  /**
   * Fails the connection at once (RFC 6455 §7.1.7): tells the peer why, unless our Close is out already.
   *
   * @returns The error as an event, unless all was over before.
   */
  fail(error: WebSocketError): EndpointNotice | undefined {
    const { over, sends, steps } = this.#life;
    if (steps.fail === undefined) return undefined;
    this.#step("fail");
    if (sends) this.#sendControl(Opcode.Close, writeClosePayload(error));
    return over ? undefined : { type: "error", error };
  }

  /** Ends the congestion: answers the latest Ping that came meanwhile. */
  relieve(): void {
    this.congested = false;
    const payload = this.#pendingPong;
    this.#pendingPong = undefined;
    if (payload !== undefined && this.canSend) this.#sendControl(Opcode.Pong, payload);
  }

  /** Sends a message as one frame. Only while it {@linkcode Endpoint.canSend}. */
  sendMessage(data: Message | EncodedMessage): void {
    if (data instanceof EncodedMessage) this.output.frame(this.#prepared(data));
    else if (typeof data !== "string") this.output.frame(this.#deflated(makeFrame(Opcode.Binary, data)));
    else if (this.#deflate?.deflater === undefined) this.output.text(data);
    else this.#sendDeflatedText(data);
  }

  /** Sends a Ping of at most 125 bytes. Only while it {@linkcode Endpoint.canSend}. */
  sendPing(payload: Uint8Array): void {
    this.#sendControl(Opcode.Ping, payload);
  }

  /**
   * Starts the closing handshake (RFC 6455 §7.1.2). Only while it {@linkcode Endpoint.canSend}.
   *
   * @returns How the connection ended, if the peer's end has come already: this is its answer.
   */
  sendClose(info: CloseInfo): EndpointNotice | undefined {
    if (this.#end !== undefined) return this.#answer("sendClose", info);
    this.#step("sendClose");
    this.#sendControl(Opcode.Close, writeClosePayload(info));
  }

  /** Encodes a text where memory is at hand: a buffer of its own costs 8 us more at 16 KiB on Node. */
  #sendDeflatedText(text: string): void {
    const buffer = bufferPool.borrow(text.length * 3);
    const { written } = encoder.encodeInto(text, buffer);
    this.output.frame(this.#deflated(makeFrame(Opcode.Text, buffer.subarray(0, written))));
    bufferPool.giveBack(buffer);
  }

  /** Compresses a frame, if that is agreed on and worth it. The payload may be overwritten by the next call. */
  #deflated(frame: Frame): Frame {
    if (this.#deflate?.deflater === undefined) return frame;
    const { deflater, threshold, optional } = this.#deflate;
    if (frame.payload.length < threshold) return frame;
    const payload = deflater.deflate(frame.payload);
    return optional && payload.length >= frame.payload.length ? frame : { ...frame, rsv1: true, payload };
  }

  /** Looks up how a prepared message goes out here; where messages refer to earlier ones it is compressed anew. */
  #prepared(message: EncodedMessage): Frame {
    if (this.#deflate?.deflater === undefined) return message.frame;
    if (!this.#deflate.optional) return this.#deflated(message.frame);
    return message.compressed(this.#deflate.profile, (plain) => {
      const frame = this.#deflated(plain);
      return { ...frame, payload: copyBytes(frame.payload) };
    });
  }

  #sendControl(opcode: Opcode, payload: Uint8Array): void {
    this.output.frame(makeFrame(opcode, payload));
  }

  /** Takes a Text, Binary or Continuation frame. After our Close it is discarded (RFC 6455 §1.4). */
  #data(frame: Frame): EndpointEvent | undefined {
    if (this.#life.receives !== "all") return undefined;
    if (frame.fin) this.#readBuffers = undefined;
    return this.#toEvent(this.#assembler.add(frame, this.#decoder.remaining));
  }

  /** Goes on with a frame that is not decompressed to its end. */
  #moreData(): EndpointEvent | undefined {
    return this.#toEvent(this.#assembler.addMore());
  }

  #toEvent(data: Message | MessagePart | undefined): EndpointEvent | undefined {
    if (data === undefined) return undefined;
    if (isMessage(data)) return data;
    const lender = typeof data.data === "string" ? undefined : this.#readBuffers?.lend(data.data);
    return { type: "part", part: { ...data, lender } };
  }

  #control({ opcode, payload }: Frame): EndpointEvent | undefined {
    if (opcode === Opcode.Close) return this.#close(payload);
    if (this.#life !== LIFE.open) return undefined;
    if (opcode === Opcode.Pong) return { type: "pong", payload };
    if (this.congested) this.#pendingPong = copyBytes(payload);
    else this.#sendControl(Opcode.Pong, payload);
    return undefined;
  }

  /** Takes the peer's Close: it ends the connection if ours is out, or else when its turn has come. */
  #close(payload: Uint8Array): EndpointEvent | undefined {
    if (this.#life === LIFE.lost) return this.#finishLost();
    const info = readClosePayload(payload);
    if (this.#life === LIFE.open) return this.#hold("receiveClose", { info });
    this.#step("receiveClose");
    return { type: "close", info };
  }

  /** Keeps the peer's end until it is answered. */
  #hold(step: "receiveClose" | "violate", end: PeerEnd): EndpointNotice {
    this.#step(step);
    this.#end = end;
    return { type: "end" };
  }

  /** Ends the connection as the peer did. */
  #answer(step: Step, own?: CloseInfo): EndpointNotice {
    const end = this.#end!;
    this.#step(step);
    const failed = "error" in end;
    if (step !== "lost") {
      this.#sendControl(Opcode.Close, writeClosePayload(failed ? end.error : own ?? end.info));
    }
    return failed ? { type: "error", error: end.error } : { type: "close", info: end.info };
  }

  /**
   * Records what happened, if it changes anything.
   *
   * @param happening What.
   * @param code What the connection fails with, if it was not over and is now.
   * @param cause What that came from.
   */
  #note(happening: Happening, code?: WebSocketErrorCode, cause?: unknown): EndpointNotice | undefined {
    const { over, steps } = this.#life;
    if (steps[happening] === undefined) return undefined;
    this.#step(happening);
    if (over || !this.finished || code === undefined) return undefined;
    return { type: "error", error: new WebSocketError(code, cause === undefined ? {} : { cause }) };
  }

  /** Goes to another state, and frees what is not needed there. */
  #step(step: Step): void {
    this.#life = transition(this.#life, step);
    const { sends, receives, deadline } = this.#life;
    if (!sends) this.#deflate?.deflater?.close?.();
    // A message that is not complete will never be.
    if (receives !== "all") this.#assembler.close();
    if (deadline !== "answer") this.#end = undefined;
  }

  /** Ends what a lost stream left. */
  #finishLost(): undefined {
    this.#step("allRead");
  }
}
