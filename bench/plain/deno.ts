/** Plain sockets on Deno, echoing bytes: the floor. */
interface Conn {
  setNoDelay(noDelay: boolean): void;
  read(buffer: Uint8Array): Promise<number | null>;
  write(bytes: Uint8Array): Promise<number>;
  close(): void;
}

declare const Deno: {
  listen(options: { port: number; hostname: string }): AsyncIterable<Conn> & { addr: { port: number } };
};

const SMALL = 1_024;
const LARGE = 65_536;

async function echo(conn: Conn): Promise<void> {
  conn.setNoDelay(true);
  // An idle connection holds its buffer, so a large one is only for those that fill a small one.
  let buffer = new Uint8Array(SMALL);
  for (let length = await conn.read(buffer); length !== null; length = await conn.read(buffer)) {
    for (let sent = 0; sent < length;) sent += await conn.write(buffer.subarray(sent, length));
    if (length === SMALL && buffer.length === SMALL) buffer = new Uint8Array(LARGE);
  }
  conn.close();
}

const listener = Deno.listen({ port: 0, hostname: "0.0.0.0" });
console.log(`listening on tcp://127.0.0.1:${listener.addr.port}`);
// A load that goes away resets its connections.
for await (const conn of listener) echo(conn).catch(() => {});
