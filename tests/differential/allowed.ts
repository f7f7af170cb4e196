/**
 * Where npm `ws` and Sluice make different things of the same bytes, and why that may be.
 *
 * @module
 */

import type { Stream } from "../fuzz/streams.ts";

/** The first event in which the two differ; `undefined` where one has no more. */
export interface Difference {
  readonly stream: Stream;
  readonly ours: string | undefined;
  /** The fault that we found, if that is how it ended. */
  readonly code: string | undefined;
  readonly theirs: string | undefined;
  /** What both told before. */
  readonly before: readonly string[];
}

/** A kind of difference. */
export interface Allowed {
  readonly name: string;
  /** What `ws` does. */
  readonly ws: string;
  /** What we do. */
  readonly sluice: string;
  readonly section: string;
  /** Frames to a server that show it, as the vectors write them; the last `cut` bytes are still to come. */
  readonly sample: {
    readonly wire: string;
    readonly deflate?: boolean;
    readonly maxMessageSize?: number;
    readonly cut?: number;
  };
  matches(difference: Difference): boolean;
}

const isMessage = (event: string | undefined): boolean => /^(?:text|binary)/.test(event ?? "");
const isEmpty = (event: string | undefined): boolean => event === 'text ""' || event === "binary ";

/** The list; of several that match, the first counts. */
export const ALLOWED: readonly Allowed[] = [
  {
    name: "a length that is not in its shortest form",
    ws: "takes it",
    sluice: "fails with 1002 at the header",
    section: "RFC 6455 §5.2",
    sample: { wire: "81 7e 0001: 61" },
    matches: ({ code }) => code === "length-not-minimal",
  },
  {
    name: "a length with its highest bit set",
    ws: "fails with 1009",
    sluice: "fails with 1002",
    section: "RFC 6455 §5.2",
    sample: { wire: "82 7f 8000000000000000: 61" },
    matches: ({ code, theirs }) => code === "length-out-of-range" && theirs === "fail 1009",
  },
  {
    name: "empty fragments without end",
    ws: "has a limit for all fragments of a message, which counts empty ones too",
    sluice: "fails with 1008 after so many in a row",
    section: "RFC 6455 §10.4",
    sample: { wire: "01 00; 00 00; 00 00; 00 00; 80 00" },
    matches: ({ code }) => code === "too-many-empty-fragments",
  },
  {
    name: "a limit of nothing, or of 2^31 bytes or more",
    ws: "has no limit then",
    sluice: "fails with 1009",
    section: "RFC 6455 §10.4",
    sample: { wire: "02 01: 61; 80 7f 0000000080000000: 61", maxMessageSize: 2 ** 31 },
    matches: ({ stream: { maxMessageSize }, code }) =>
      (maxMessageSize === 0 || maxMessageSize >= 2 ** 31) && code === "message-too-big",
  },
  {
    name: "a Close of one byte, which is still to come",
    ws: "fails with 1002 at the header",
    sluice: "fails with 1002 at the byte",
    section: "RFC 6455 §5.5.1",
    sample: { wire: "88 01: 03", cut: 1 },
    matches: ({ ours, theirs }) => ours === undefined && theirs === "fail 1002",
  },
  {
    name: "compressed bytes over the limit",
    ws: "holds what is on the wire to the limit of the message, at the header, and to it alone",
    sluice: "holds what comes out to it, and finds what is wrong in front of that",
    section: "RFC 7692 §8",
    sample: { wire: "c1 0b: 00 05 00 fa ff 48 65 6c 6c 6f 00", deflate: true, maxMessageSize: 5 },
    matches: ({ stream, theirs }) => stream.deflate !== undefined && theirs === "fail 1009",
  },
  {
    name: "a compressed message of no bytes",
    ws: "inflates the tail alone: a wrong message, and another window",
    sluice: "takes it for an empty one",
    section: "RFC 7692 §7.2.3.6",
    sample: { wire: "c1 00; c1 00", deflate: true },
    matches: ({ stream, ours, before }) =>
      stream.deflate?.takeover === true && [ours, ...before].some(isEmpty),
  },
  {
    name: "compressed data that is not valid or too much, in a frame that is still to be completed",
    ws: "waits for the frame",
    sluice: "fails as soon as that shows",
    section: "RFC 6455 §7.1.7",
    sample: { wire: "c1 03: 07 00 00", deflate: true, cut: 1 },
    matches: ({ stream, code, theirs }) =>
      stream.deflate !== undefined && theirs === undefined &&
      (code === "invalid-deflate" || code === "message-too-big"),
  },
  {
    name: "a text that cannot become one any more",
    ws: "waits for its end",
    sluice: "fails with 1007 at the first impossible byte",
    section: "RFC 6455 §8.1",
    sample: { wire: "01 03: 61 ed a0" },
    matches: ({ code, theirs }) => code === "invalid-utf8" && !isMessage(theirs),
  },
  {
    name: "compressed data that ends within a block, or goes on behind its end",
    ws: "delivers what came out",
    sluice: "fails with 1007",
    section: "RFC 7692 §7.2.2",
    sample: { wire: "c1 03: f2 48 cd", deflate: true },
    matches: ({ code, theirs }) => code === "invalid-deflate" && theirs !== "fail 1007",
  },
  {
    name: "something behind a block with BFINAL",
    ws: "drops it, and the window too",
    sluice: "reads on at the next byte, and keeps the window",
    section: "RFC 7692 §7.2.3.4",
    sample: { wire: "c1 0e: 4b 04 00 00 05 00 fa ff 48 65 6c 6c 6f 00", deflate: true },
    // Whether we are right to read on, the reference tells.
    matches: ({ stream, theirs }) =>
      stream.deflate !== undefined && (isMessage(theirs) || theirs === "fail 1007"),
  },
];
