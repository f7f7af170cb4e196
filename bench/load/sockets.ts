/**
 * Raw sockets of Bun, which cost a load the least.
 *
 * @module
 */

/** A socket, and what its owner keeps with it. */
export interface Socket<Data> {
  data: Data;
  /** Returns how many bytes the kernel took; the rest is the caller's to send again after `drain`. */
  write(bytes: Uint8Array): number;
  end(): void;
}

/** What happens to a socket. */
export interface Handlers<Data> {
  open(socket: Socket<Data>): void;
  data(socket: Socket<Data>, bytes: Uint8Array): void;
  drain?(socket: Socket<Data>): void;
  error(socket: Socket<Data>, error: unknown): void;
  close(socket: Socket<Data>): void;
}

declare const Bun: {
  connect<Data>(options: { hostname: string; port: number; socket: Handlers<Data> }): Promise<Socket<Data>>;
};

/** How many of the kernel's loopback addresses are dialled in turn: each has a range of ports of its own. */
const LOOPBACKS = 4;
let dialled = 0;

/** Connects to a port of this machine. */
export function dial<Data>(port: number, socket: Handlers<Data>): Promise<Socket<Data>> {
  const hostname = `127.0.0.${1 + dialled++ % LOOPBACKS}`;
  return Bun.connect({ hostname, port, socket });
}

/** Calls `open` until all calls are done, `width` of them at a time. */
export async function openAll(count: number, width: number, open: () => Promise<void>): Promise<void> {
  let left = count;
  const worker = async () => {
    while (left-- > 0) await open();
  };
  await Promise.all(Array.from({ length: Math.min(count, width) }, worker));
}
