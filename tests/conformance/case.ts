/**
 * What a conformance case is: frames that are sent to Sluice, and what must come of them.
 *
 * Cases know no role: the harness masks what it sends to a server, and what comes from a client.
 *
 * @module
 */

import { Opcode } from "../../lib/protocol/frame.ts";
import { fromHex } from "../vectors/hex.ts";

/** The longest message that Sluice is told to take. */
export const MAX_MESSAGE_SIZE: number = 16 * 1_048_576;

/** A frame, as its sender means it. */
export interface FrameSpec {
  /** FIN, RSV and opcode. */
  readonly first: number;
  readonly payload: Uint8Array;
  /** What to write for the length, without the mask bit; the shortest form of the true one unless given. */
  readonly length?: Uint8Array;
  /** Whether to mask what must not be masked, and the reverse. */
  readonly wrongMask?: boolean;
}

/** Something to do, or to wait for. */
export type Step =
  /** Sends frames in writes of `chop` octets, or frame by frame; with `range`, only that part of the one payload. */
  | {
    readonly type: "send";
    readonly frames: readonly FrameSpec[];
    readonly chop: number | "frames";
    readonly range?: readonly [from: number, to: number];
  }
  /** Takes a message or control frame that must be just this. */
  | { readonly type: "gets"; readonly frame: FrameSpec }
  /** Takes the Close by which Sluice fails the connection. */
  | { readonly type: "fails"; readonly code: number };

/** One case. If no step ends the connection, it must still be good for a Close with 1000 afterwards. */
export interface Case {
  readonly group: number;
  /** What corresponds to it in the public list of the Autobahn test suite. */
  readonly autobahn: readonly string[];
  readonly name: string;
  readonly steps: readonly Step[];
  /** How long it may take, in milliseconds. */
  readonly limit: number;
}

/** The name of a case with its numbers. */
export function titleOf({ group, autobahn, name }: Case): string {
  return `${autobahn.join(" ") || `${group}.+`} ${name}`;
}

/**
 * Makes a case.
 *
 * @param number Its number in the public list, or `7.+` for one of group 7 that is only ours.
 */
export function row(number: string, name: string, ...steps: readonly Step[]): Case {
  const [group, ...rest] = number.split(".");
  return { group: Number(group), autobahn: rest[0] === "+" ? [] : [number], name, steps, limit: 10_000 };
}

type Payload = string | Uint8Array;

const encoder = new TextEncoder();

/** The octets of a text, or the octets themselves. */
export function octets(payload: Payload): Uint8Array {
  return typeof payload === "string" ? encoder.encode(payload) : payload;
}

const FIN = 0x80;

/** A frame of any kind. */
export function frame(first: number, payload: Payload = ""): FrameSpec {
  return { first, payload: octets(payload) };
}

/** A whole text message. */
export const text = (payload: Payload = ""): FrameSpec => frame(FIN | Opcode.Text, payload);
/** A whole binary message. */
export const binary = (payload: Payload = ""): FrameSpec => frame(FIN | Opcode.Binary, payload);
/** The first fragment of a text message. */
export const begin = (payload: Payload = ""): FrameSpec => frame(Opcode.Text, payload);
/** A fragment that is neither first nor last. */
export const more = (payload: Payload = ""): FrameSpec => frame(Opcode.Continuation, payload);
/** The last fragment. */
export const end = (payload: Payload = ""): FrameSpec => frame(FIN | Opcode.Continuation, payload);
/** A Ping. */
export const ping = (payload: Payload = ""): FrameSpec => frame(FIN | Opcode.Ping, payload);
/** A Pong. */
export const pong = (payload: Payload = ""): FrameSpec => frame(FIN | Opcode.Pong, payload);
/** A Close whose payload is given whole. */
export const rawClose = (payload: Payload = ""): FrameSpec => frame(FIN | Opcode.Close, payload);

/** A Close with a code and a reason. */
export function close(code: number, reason: Payload = ""): FrameSpec {
  return rawClose(Uint8Array.of(code >> 8, code & 255, ...octets(reason)));
}

/** A frame with RSV bits: 4 is RSV1, 2 RSV2, 1 RSV3. */
export function withRsv(rsv: number, { first, payload }: FrameSpec): FrameSpec {
  return { first: first | (rsv << 4), payload };
}

/** A frame whose length says something else, or says it at length; hexadecimal. */
export function withLength(hex: string, spec: FrameSpec): FrameSpec {
  return { ...spec, length: fromHex(hex) };
}

/** A message as fragments of a size; its last one may be shorter. */
export function fragments({ first, payload }: FrameSpec, size: number): FrameSpec[] {
  const count = Math.max(1, Math.ceil(payload.length / size));
  return Array.from({ length: count }, (_, i) => ({
    first: (i === 0 ? first & ~FIN : Opcode.Continuation) | (i === count - 1 ? FIN : 0),
    payload: payload.subarray(i * size, (i + 1) * size),
  }));
}

/** Sends frames in one write. */
export const send = (...frames: readonly FrameSpec[]): Step => ({ type: "send", frames, chop: Infinity });
/** Sends each frame in a write of its own. */
export const sendEach = (...frames: readonly FrameSpec[]): Step => ({ type: "send", frames, chop: "frames" });
/** Sends frames in writes of so many octets. */
export const sendChopped = (chop: number, ...frames: readonly FrameSpec[]): Step => ({
  type: "send",
  frames,
  chop,
});
/** Sends each octet in a write of its own. */
export const sendOctets = (...frames: readonly FrameSpec[]): Step => sendChopped(1, ...frames);
/** Sends a part of a frame's payload, the first part with the header. */
export const sendPart = (spec: FrameSpec, from: number, to: number): Step => ({
  type: "send",
  frames: [spec],
  chop: Infinity,
  range: [from, to],
});

/** Takes a message (sent back, as one frame or more), a Pong or a Close. */
export const gets = (spec: FrameSpec): Step => ({ type: "gets", frame: spec });
/** Takes the Close by which Sluice fails the connection; then it ends the stream, unasked. */
export const fails = (code: number): Step => ({ type: "fails", code });
