/**
 * Many members on raw sockets, who check that every message reaches each of them once and in order.
 *
 * @module
 */

import { connect, type Socket } from "node:net";
import { Opcode } from "../../lib/protocol/frame.ts";
import { clientFrame, UPGRADE } from "../support/wire.ts";

/** A message: who published it, its number, and filling. */
const PAYLOAD_SIZE = 16;
/** As it arrives, unmasked. */
const FRAME_SIZE = 2 + PAYLOAD_SIZE;

/** Encodes a message, masked. */
function messageFrame(publisher: number, number: number): Uint8Array {
  const payload = new Uint8Array(PAYLOAD_SIZE);
  const view = new DataView(payload.buffer);
  view.setUint32(0, publisher);
  view.setUint32(4, number);
  return clientFrame(Opcode.Binary, payload);
}

/** Members of one server. */
export class Crowd {
  readonly members: CrowdMember[] = [];

  /** Connects members to `/fan`. */
  static async connect(port: number, size: number): Promise<Crowd> {
    const crowd = new Crowd();
    while (crowd.members.length < size) {
      const more = Array.from(
        { length: Math.min(50, size - crowd.members.length) },
        () => CrowdMember.open(port),
      );
      crowd.members.push(...await Promise.all(more));
    }
    return crowd;
  }

  /** Ends all connections. */
  destroy(): void {
    for (const { socket } of this.members) socket.destroy();
  }
}

/** One member, who expects the messages of each publisher in order, from number 0. */
export class CrowdMember {
  readonly socket: Socket;
  /** The number that each publisher's next message must have. */
  readonly next: number[] = [];
  /** What was not as it must be. */
  readonly faults: string[] = [];
  /** Called when something arrived. */
  onData: () => void = () => {};
  #rest: Uint8Array<ArrayBuffer> = new Uint8Array(0);

  private constructor(socket: Socket) {
    this.socket = socket;
  }

  /** Connects and shakes hands. */
  static open(port: number): Promise<CrowdMember> {
    return new Promise((resolve, reject) => {
      const socket = connect({ port, host: "127.0.0.1", noDelay: true });
      const member = new CrowdMember(socket);
      socket.once("error", reject);
      socket.once("data", (head: Uint8Array) => {
        if (!new TextDecoder().decode(head).endsWith("\r\n\r\n")) {
          return reject(new Error("The head came in parts"));
        }
        socket.on("data", (bytes: Uint8Array) => member.#take(bytes));
        resolve(member);
      });
      socket.write(UPGRADE.replace("GET / ", "GET /fan "));
    });
  }

  /** Publishes numbered messages, and keeps some in flight: each that comes back makes room for another. */
  publish(publisher: number, count: number, flight = 64): Promise<void> {
    return new Promise((resolve, reject) => {
      let sent = 0;
      const goOn = () => {
        const back = this.next[publisher] ?? 0;
        while (sent < count && sent - back < flight) this.socket.write(messageFrame(publisher, sent++));
        if (back === count) resolve();
        if (this.faults.length > 0) reject(new Error(this.faults[0]));
      };
      this.onData = goOn;
      goOn();
    });
  }

  #take(bytes: Uint8Array): void {
    let all = bytes;
    if (this.#rest.length > 0) {
      all = new Uint8Array(this.#rest.length + bytes.length);
      all.set(this.#rest);
      all.set(bytes, this.#rest.length);
    }
    const view = new DataView(all.buffer, all.byteOffset, all.length);
    let at = 0;
    for (; at + FRAME_SIZE <= all.length; at += FRAME_SIZE) {
      const [publisher, number] = [view.getUint32(at + 2), view.getUint32(at + 6)];
      const wanted = this.next[publisher] ?? 0;
      if (all[at + 1] !== PAYLOAD_SIZE || number !== wanted) {
        this.faults.push(`message ${number} of publisher ${publisher} came in place of ${wanted}`);
      }
      this.next[publisher] = number + 1;
    }
    this.#rest = all.slice(at);
    this.onData();
  }
}
