/**
 * Plays bytes to an endpoint and holds it to what must be so whatever the bytes are.
 *
 * @module
 */

import { assert, assertEquals, assertLessOrEqual } from "#std/assert";
import { zlibCodec } from "../../lib/adapters/zlib/codec.ts";
import { CONNECTION_FAULTS } from "../../lib/errors.ts";
import { Endpoint, type EndpointDeflate, type EndpointEvent } from "../../lib/protocol/endpoint.ts";
import { isMessage } from "../../lib/protocol/message_assembler.ts";
import { otherRole, showEvent } from "../protocol/replay.ts";
import { readStream, type ReferenceLog } from "../reference/reference_reader.ts";
import { eventsOf } from "../support/endpoint_events.ts";
import type { Agreed, Stream } from "./streams.ts";

/** What came of a stream. */
export interface Played {
  /** The events, as the vectors write them; an error as `fail` and its close code. */
  readonly events: readonly string[];
  /** What was sent back. */
  readonly sent: Uint8Array;
  /** The fault, where there is one. */
  readonly code: string | undefined;
}

/** Makes an endpoint for a stream, which compresses what it sends or does not. */
export function endpointFor(stream: Stream, { compressing }: { compressing: boolean }): Endpoint {
  const { role, deflate, maxMessageSize, maxEmptyFragments } = stream;
  const agreed = deflate && startDeflate(deflate, compressing);
  return new Endpoint({ role, maxMessageSize, maxEmptyFragments, deflate: agreed });
}

function startDeflate({ bits, takeover }: Agreed, compressing: boolean): EndpointDeflate {
  const options = { windowBits: bits, takeover, level: 1, memLevel: 5 };
  const deflater = compressing ? zlibCodec.deflater(options) : undefined;
  const profile = `${bits}`;
  return { inflater: zlibCodec.inflater(options), deflater, threshold: 5, optional: !takeover, profile };
}

/** Gathers the events of an endpoint, and sees to it that nothing comes behind the last one. */
export class Witness {
  readonly events: string[] = [];
  code: string | undefined;
  readonly #maxMessageSize: number;
  #over = false;

  constructor({ maxMessageSize }: Stream) {
    this.#maxMessageSize = maxMessageSize;
  }

  /** Takes an event. */
  see(event: EndpointEvent): void {
    assert(!this.#over, `"${showEvent(event)}" came behind the end`);
    if (isMessage(event)) assertLessOrEqual(sizeOf(event), this.#maxMessageSize);
    else this.#over = event.type === "close" || event.type === "error";
    if (isMessage(event) || event.type !== "error") {
      this.events.push(showEvent(event));
      return;
    }
    const { code, closeCode, section } = event.error;
    assert(code !== "application");
    assertEquals([closeCode, section], CONNECTION_FAULTS[code].slice(0, 2));
    this.code = code;
    this.events.push(`fail ${closeCode}`);
  }

  /** Takes all events that bytes lead to. */
  feed(endpoint: Endpoint, chunk: Uint8Array): void {
    endpoint.receive(chunk.slice());
    // Each event takes two bytes at least; the end takes none.
    let left = chunk.length / 2 + 2;
    for (const event of eventsOf(endpoint)) {
      assert(left-- > 0, "there are more events than bytes");
      this.see(event);
    }
  }
}

function sizeOf(data: string | Uint8Array): number {
  return typeof data === "string" ? new TextEncoder().encode(data).length : data.length;
}

/** Plays a stream, then its end. */
export function play(stream: Stream, chunks: readonly Uint8Array[]): Played {
  const endpoint = endpointFor(stream, { compressing: false });
  const witness = new Witness(stream);
  for (const chunk of chunks) witness.feed(endpoint, chunk);
  const { code } = witness;
  const events = [...witness.events];
  const lost = endpoint.peerEnded();
  if (lost !== undefined) witness.see(lost);
  assertEquals([lost !== undefined, endpoint.finished], [witness.events.length > events.length, true]);
  assertEquals([endpoint.next(), endpoint.peerEnded()], [undefined, undefined]);
  return { events, code, sent: endpoint.output.take() };
}

/** What the reference makes of a stream. */
export function readByReference(stream: Stream): ReferenceLog {
  const { role, deflate, maxMessageSize, maxEmptyFragments } = stream;
  return readStream(stream.bytes, {
    sender: otherRole(role),
    deflate,
    maxMessageSize,
    // What does not get smaller may get a little larger, and yet be within the limit.
    maxCompressedSize: maxMessageSize + maxMessageSize / 7 + 1_024,
    maxEmptyFragments,
  });
}

/** What an endpoint must answer: a Pong to each Ping, and the Close. */
export function answersTo({ events, violation }: ReferenceLog): string[] {
  const answers = events.filter((event) => /^(?:ping|close)/.test(event)).map((event) =>
    event.replace("ping", "pong")
  );
  return violation === undefined ? answers : [...answers, `close ${violation.closeCode} ""`];
}
