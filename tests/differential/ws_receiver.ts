/**
 * What npm `ws` makes of the bytes that one end receives: its own receiver, without a socket.
 *
 * @module
 */

import { createRequire } from "node:module";
import type { Writable } from "node:stream";
import { show } from "../vectors/hex.ts";
import type { Stream } from "../fuzz/streams.ts";

/** permessage-deflate of `ws`, of which its types tell nothing. */
interface PerMessageDeflate {
  accept(offers: Record<string, unknown[]>[]): unknown;
  cleanup(): void;
}

interface ReceiverOptions {
  isServer: boolean;
  maxPayload: number;
  allowSynchronousEvents: boolean;
  extensions: Record<string, PerMessageDeflate>;
}

interface Ws {
  Receiver: new (options: ReceiverOptions) => Writable;
  PerMessageDeflate: new (
    options: { isServer: boolean; maxPayload: number; threshold: number },
  ) => PerMessageDeflate;
}

const { Receiver, PerMessageDeflate } = createRequire(import.meta.url)("ws") as unknown as Ws;

const NAME = "permessage-deflate";

function startDeflate({ role, deflate, maxMessageSize }: Stream): Record<string, PerMessageDeflate> {
  if (deflate === undefined) return {};
  const isServer = role === "server";
  const extension = new PerMessageDeflate({ isServer, maxPayload: maxMessageSize, threshold: 0 });
  const peer = isServer ? "client" : "server";
  extension.accept([deflate.takeover ? {} : { [`${peer}_no_context_takeover`]: [true] }]);
  return { [NAME]: extension };
}

/** The close code that an error of the receiver is answered with. */
function closeCodeOf(error: Error): unknown {
  const symbol = Object.getOwnPropertySymbols(error).find(({ description }) => description === "status-code");
  return symbol && (error as unknown as Record<symbol, unknown>)[symbol];
}

/** Gives the bytes of a stream to a receiver, and writes down what it tells, as the vectors have it. */
export async function receiveWithWs(stream: Stream): Promise<string[]> {
  const extensions = startDeflate(stream);
  const receiver = new Receiver({
    isServer: stream.role === "server",
    maxPayload: stream.maxMessageSize,
    allowSynchronousEvents: true,
    extensions,
  });
  const events: string[] = [];
  receiver.on("message", (data: Uint8Array, isBinary: boolean) => {
    events.push(
      isBinary
        ? `binary ${show(data)}`
        : `text ${JSON.stringify(new TextDecoder("utf-8", { ignoreBOM: true }).decode(data))}`,
    );
  });
  receiver.on("ping", (data: Uint8Array) => events.push(`ping ${show(data)}`));
  receiver.on("pong", (data: Uint8Array) => events.push(`pong ${show(data)}`));
  receiver.on("conclude", (code: number, reason: Uint8Array) => {
    events.push(
      `close ${code} ${JSON.stringify(new TextDecoder("utf-8", { ignoreBOM: true }).decode(reason))}`,
    );
  });
  await new Promise<void>((resolve) => {
    receiver.on("error", (error) => {
      events.push(`fail ${closeCodeOf(error)}`);
      resolve();
    });
    receiver.on("conclude", () => resolve());
    // The receiver unmasks in place.
    receiver.write(Buffer.from(stream.bytes), () => resolve());
  });
  receiver.removeAllListeners("message");
  for (const extension of Object.values(extensions)) extension.cleanup();
  return events;
}
