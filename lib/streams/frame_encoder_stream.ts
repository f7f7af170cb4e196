/**
 * {@linkcode FrameEncoderStream}: frames to bytes.
 *
 * @module
 */

import { aRole } from "../options/checks.ts";
import { checkOptions, type OptionTable } from "../options/option_table.ts";
import { type Frame, isControl, isOpcode } from "../protocol/frame.ts";
import { headerSize, writeFrame } from "../protocol/frame_encoder.ts";
import { MAX_CONTROL_LENGTH } from "../protocol/header.ts";
import { nextMaskingKey } from "../protocol/masking_key.ts";

const frameEncoderTable: OptionTable<{ role?: "server" | "client" }> = { role: aRole };

/**
 * Encodes WebSocket frames (RFC 6455 §5.2): one chunk of bytes for each, its length in the shortest form, masked with
 * a fresh key if we are the client. Payloads are copied, not changed.
 *
 * A frame that RFC 6455 has no room for (an unknown opcode, a control frame over 125 bytes or without FIN) fails the
 * stream with a `TypeError`.
 *
 * @example Write a frame as bytes
 * ```ts
 * import { FrameEncoderStream, Opcode } from "@sluice/websocket";
 *
 * const payload = new TextEncoder().encode("Hello");
 * const frames = ReadableStream.from([{ fin: true, rsv1: false, opcode: Opcode.Text, payload }]);
 * for await (const bytes of frames.pipeThrough(new FrameEncoderStream())) {
 *   console.log(bytes); // 81 05 48 65 6c 6c 6f
 * }
 * ```
 */
export class FrameEncoderStream extends TransformStream<Frame, Uint8Array> {
  /**
   * Makes a stream for one direction of one connection.
   *
   * @param options `role`: whose side we are; a `"client"` masks. @default {"server"}
   * @throws {TypeError | RangeError} If an option is wrong.
   */
  constructor(options: { role?: "server" | "client" } = {}) {
    checkOptions("options", options, frameEncoderTable, '{ role: "client" }');
    const masked = options.role === "client";
    super({
      transform(frame, controller) {
        checkFrame(frame);
        const bytes = new Uint8Array(headerSize(frame.payload.length, masked) + frame.payload.length);
        writeFrame(bytes, 0, frame, masked ? nextMaskingKey() : undefined);
        controller.enqueue(bytes);
      },
    });
  }
}

function checkFrame({ fin, opcode, payload }: Frame): void {
  if (!isOpcode(opcode)) throw new TypeError(`Cannot encode frame: the opcode is ${opcode}`);
  if (!(payload instanceof Uint8Array)) {
    throw new TypeError("Cannot encode frame: its payload is no Uint8Array");
  }
  if (!isControl(opcode)) return;
  if (!fin) throw new TypeError("Cannot encode frame: a control frame cannot be fragmented");
  if (payload.length > MAX_CONTROL_LENGTH) {
    throw new TypeError(`Cannot encode frame: a control frame has ${payload.length} bytes, more than 125`);
  }
}
