/**
 * One end of an open connection, without any I/O: bytes and commands in, events and bytes out (RFC 6455 §5 to §8).
 *
 * The driver's side of the contract:
 * - what comes from the network goes into {@linkcode Endpoint.receive}, then {@linkcode Endpoint.next} is called until
 *   it returns `undefined`; when the stream ends, {@linkcode Endpoint.end};
 * - a Close or a fault takes its place in the order of messages: the event `end` says that it has come, and
 *   {@linkcode Endpoint.answer} is called when the messages before it have been read;
 * - after each of these calls, and after each command, what {@linkcode Endpoint.output} holds is to be sent;
 * - while it is {@linkcode Endpoint.weary} no more bytes are given to it; when other connections have had their turn,
 *   {@linkcode Endpoint.rest} is called, and `next` again;
 * - while too much waits to be sent, {@linkcode Endpoint.congested} is true, and {@linkcode Endpoint.relieve} is called
 *   when that is over;
 * - once {@linkcode Endpoint.finished} is true and the output is sent, the stream is to be shut down, and what still
 *   comes in is to be read and thrown away.
 *
 * @module
 */

import { WebSocketError } from "../errors.ts";
import { bufferPool } from "./buffer_pool.ts";
import { copyBytes } from "./bytes.ts";
import { type CloseInfo, readClosePayload, writeClosePayload } from "./close_payload.ts";
import type { Deflater, Inflater } from "./deflate_codec.ts";
import { type Frame, isControl, Opcode, type Role } from "./frame.ts";
import { FrameDecoder } from "./frame_decoder.ts";
import { type Message, MessageAssembler, type MessagePart } from "./message_assembler.ts";
import { EncodedMessage } from "./prepared_message.ts";
import { NOTHING_UNREAD, ReadingRooms, ROOM_SIZE, type UnreadParts } from "./reading_rooms.ts";
import { SendBuffer } from "./send_buffer.ts";
import { type State, type Step, transition } from "./state.ts";

/** What an {@linkcode Endpoint} tells its driver. After `close` and `error` there are no more. */
export type EndpointEvent =
  | { readonly type: "message"; readonly data: Message }
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
const MIN_ROOM = 4_096;

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
export class Endpoint {
  /** The frames that are to be sent. */
  readonly output: SendBuffer;
  /** Whether too much waits to be sent: then Pings are not answered one by one, but the latest (RFC 6455 §5.5.3). */
  congested = false;

  readonly #decoder: FrameDecoder;
  readonly #assembler: MessageAssembler;
  readonly #deflate: EndpointDeflate | undefined;
  #state: State = "open";
  /** What the peer has ended the connection with, as long as that is not answered. Nothing after it is decoded. */
  #end: PeerEnd | undefined;
  #streaming = false;
  /** What is read into while a large message is streamed. */
  #rooms: ReadingRooms | undefined;
  #pendingPong: Uint8Array | undefined;
  #draining = false;
  /** How many frames were taken in this turn. */
  #frames = 0;

  /**
   * Makes an endpoint whose opening handshake is done.
   *
   * @param options Its role and limits.
   */
  constructor(options: EndpointOptions) {
    const { maxMessageSize, deflate } = options;
    this.output = new SendBuffer(options.role);
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
    // Whoever reads a part copies it.
    this.#decoder.ownMessages = false;
  }

  /** Sets whether a binary message that is received in one frame has a buffer of its own, which takes a copy. */
  set ownMessages(own: boolean) {
    if (!this.#streaming) this.#decoder.ownMessages = own;
  }

  /** Where the connection stands. */
  get state(): State {
    return this.#state;
  }

  /** Whether messages can be sent. */
  get canSend(): boolean {
    return this.#state === "open" || this.#state === "closeReceived" || this.#state === "violated";
  }

  /** Whether all frames that there will ever be have been exchanged, or no more can be. */
  get finished(): boolean {
    return this.#state === "closed" || this.#state === "failed" || this.#state === "lost";
  }

  /**
   * Takes bytes from the network; the events come from {@linkcode Endpoint.next}.
   *
   * @param chunk The bytes. They belong to the endpoint from now on.
   */
  receive(chunk: Uint8Array): void {
    if (!this.finished && this.#end === undefined) this.#decoder.push(chunk);
  }

  /**
   * Lends memory to read the next bytes into, and then to give to {@linkcode Endpoint.receive}: that of the message they
   * belong to, which saves a copy; or where messages are streamed, memory whose bytes have been read. It is good until
   * the next call.
   *
   * @param queue Where parts wait to be read.
   * @returns `undefined` if there is nothing to win.
   */
  room(queue: UnreadParts = NOTHING_UNREAD): Uint8Array | undefined {
    const { missing, remaining } = this.#decoder;
    if (this.#state !== "open") return undefined;
    // Between two fragments of a large message, too.
    const large = missing >= MIN_ROOM || (this.#streaming && this.#assembler.size >= ROOM_SIZE);
    if (!large) return undefined;
    if (this.#streaming) return (this.#rooms ??= new ReadingRooms()).lend(queue);
    return this.#assembler.room(remaining)?.subarray(0, missing);
  }

  /**
   * Works through the bytes received, up to the next thing the driver must hear of. Never throws for what a peer did.
   *
   * @returns The event, or `undefined` when the bytes are used up, or the endpoint is weary.
   */
  next(): EndpointEvent | undefined {
    if ((this.finished && !this.#draining) || this.#end !== undefined) return undefined;
    try {
      while (!this.weary) {
        let event: EndpointEvent | undefined;
        if (this.#assembler.decompressing) event = this.#moreData();
        else {
          const frame = this.#decoder.next();
          if (frame === undefined) return this.#stopDraining();
          this.#frames++;
          event = isControl(frame.opcode) ? this.#control(frame) : this.#data(frame);
        }
        if (event !== undefined) return event;
      }
      return undefined;
    } catch (error) {
      if (!(error instanceof WebSocketError)) throw error;
      if (this.#draining) return this.#stopDraining();
      return this.#state === "open" ? this.#hold("violate", { error }) : this.fail(error);
    }
  }

  /** Whether the stream is lost, and bytes are left that came before. */
  get draining(): boolean {
    return this.#draining;
  }

  #stopDraining(): undefined {
    if (this.#draining) this.#assembler.close();
    this.#draining = false;
  }

  /** Whether so much was done for this peer that others should have their turn, before {@linkcode Endpoint.rest} is called. */
  get weary(): boolean {
    return this.#frames + this.#assembler.decompressed / BYTES_PER_FRAME >= FRAMES_PER_TURN;
  }

  /** Ends the turn before it has begun. */
  skipTurn(): void {
    this.#frames = FRAMES_PER_TURN;
  }

  /** Begins to count again: a turn is over. */
  rest(): void {
    this.#frames = 0;
    this.#assembler.decompressed = 0;
  }

  /**
   * Records that the peer's direction of the stream ended.
   *
   * @returns The error, if that was too early.
   */
  end(): EndpointEvent | undefined {
    if (this.finished || this.#end !== undefined) return undefined;
    this.giveUp();
    return { type: "error", error: new WebSocketError("connection-lost") };
  }

  /** Records that the stream is lost, or will be cut: nothing more is sent or received. */
  giveUp(): void {
    if (this.finished) return;
    this.#take("end");
    this.#end = undefined;
    this.#assembler.close();
  }

  /**
   * Answers the end that has come, its turn being there: a Close with the same code and reason (RFC 6455 §5.5.1), a fault
   * with its own code (§7.1.7).
   *
   * @param own What to answer a Close with instead.
   * @returns `close` or `error`.
   */
  answer(own?: CloseInfo): EndpointEvent {
    const end = this.#end!;
    if ("error" in end) return this.fail(end.error)!;
    this.#end = undefined;
    this.#take("sendClose");
    this.#sendControl(Opcode.Close, writeClosePayload(own ?? end.info));
    return { type: "close", info: end.info };
  }

  /**
   * Records that the stream is lost in both directions before all that was received is decoded. {@linkcode Endpoint.next}
   * goes on with messages, up to the first fault or Close; nothing is sent any more.
   */
  lose(): void {
    this.#take("end");
    this.#draining = true;
  }

  /**
   * Fails the connection at once (RFC 6455 §7.1.7): tells the peer why, unless our Close is out already.
   *
   * @returns The error as an event, unless all was over before.
   */
  fail(error: WebSocketError): EndpointEvent | undefined {
    if (this.finished) return undefined;
    const tell = this.canSend;
    this.#take("fail");
    this.#end = undefined;
    this.#assembler.close();
    if (tell) this.#sendControl(Opcode.Close, writeClosePayload(error));
    return { type: "error", error };
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
  sendClose(info: CloseInfo): EndpointEvent | undefined {
    if (this.#end !== undefined) return this.answer(info);
    this.#take("sendClose");
    this.#assembler.close();
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

  /** Takes a step, and frees the compressor with the last message that could be sent. */
  #take(step: Step): void {
    this.#state = transition(this.#state, step);
    if (!this.canSend) this.#deflate?.deflater?.close?.();
  }

  #sendControl(opcode: Opcode, payload: Uint8Array): void {
    this.output.frame(makeFrame(opcode, payload));
  }

  /** Takes a Text, Binary or Continuation frame. After our Close it is discarded (RFC 6455 §1.4). */
  #data(frame: Frame): EndpointEvent | undefined {
    if (this.#state !== "open" && !this.#draining) return undefined;
    if (this.#streaming) {
      if (frame.fin) this.#rooms = undefined;
      return { type: "part", part: this.#assembler.part(frame) };
    }
    const data = this.#assembler.add(frame, this.#decoder.remaining);
    return data === undefined ? undefined : { type: "message", data };
  }

  /** Goes on with a frame that is not decompressed to its end. */
  #moreData(): EndpointEvent | undefined {
    if (this.#streaming) return { type: "part", part: this.#assembler.partMore() };
    const data = this.#assembler.addMore();
    return data === undefined ? undefined : { type: "message", data };
  }

  #control({ opcode, payload }: Frame): EndpointEvent | undefined {
    if (opcode === Opcode.Close) return this.#draining ? this.#stopDraining() : this.#close(payload);
    if (this.#state !== "open") return undefined;
    if (opcode === Opcode.Pong) return { type: "pong", payload };
    if (this.congested) this.#pendingPong = copyBytes(payload);
    else this.#sendControl(Opcode.Pong, payload);
    return undefined;
  }

  /** Takes the peer's Close: it ends the connection if ours is out, or else when its turn has come. */
  #close(payload: Uint8Array): EndpointEvent {
    const info = readClosePayload(payload);
    if (this.#state === "open") return this.#hold("receiveClose", { info });
    this.#take("receiveClose");
    return { type: "close", info };
  }

  /** Keeps the peer's end until it is answered. A message that is not complete will never be. */
  #hold(step: "receiveClose" | "violate", end: PeerEnd): EndpointEvent {
    this.#take(step);
    this.#end = end;
    this.#assembler.close();
    return { type: "end" };
  }
}
