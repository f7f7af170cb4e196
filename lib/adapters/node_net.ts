/**
 * Listening and dialling over `node:net` and `node:tls`.
 *
 * Deno's adapter uses it for TLS as well: a `Deno.TlsConn` that is closed before its TLS handshake is done keeps its socket
 * until the peer goes on with the handshake, which may be never. See {@linkcode HeldTlsTransport} for what differs.
 *
 * @module
 */

import { createPrivateKey, X509Certificate } from "node:crypto";
import { once } from "node:events";
import { connect as connectTcp, createServer, isIP, type Server as NetServer, type Socket } from "node:net";
import process from "node:process";
import { checkServerIdentity, connect as connectTls, createSecureContext, TLSSocket } from "node:tls";
import type { Dial, DialTarget } from "../connection/connect.ts";
import { HandshakeError } from "../errors.ts";
import type { Listen, ServerAddress } from "../server/server.ts";
import { HeldTlsTransport } from "./node_tls_transport.ts";
import { NodeTransport } from "./node_transport.ts";

/** What `node:net` and `node:tls` do for an adapter. */
export interface NodeNet {
  readonly listen: Listen;
  readonly dial: Dial;
}

/**
 * Makes the functions of one runtime.
 *
 * @param quirks `readsAhead`: whether `node:tls` goes on reading from the socket below it while it is paused.
 */
export function nodeNet({ readsAhead }: { readsAhead: boolean }): NodeNet {
  const secure = (socket: Socket, below: Socket) =>
    readsAhead ? new HeldTlsTransport(socket, below) : new NodeTransport(socket, { fresh: false });
  return {
    listen: (target, accept, onError) => listen(target, { accept, onError, secure }),
    async dial(target) {
      const { tls, signal } = target;
      if (tls === undefined) {
        return new NodeTransport(await connected(dialTcp(target), "connect", signal), { fresh: true });
      }
      // A socket of its own is only needed below where it has to be stopped by hand.
      const below = readsAhead ? await connected(dialTcp(target), "connect", signal) : undefined;
      const socket = await connected(dialTls(target, below), "secureConnect", signal);
      return secure(socket, below ?? socket);
    },
  };
}

interface ListenHooks {
  readonly accept: Parameters<Listen>[1];
  readonly onError: Parameters<Listen>[2];
  /** Makes the transport of a socket with TLS. */
  secure(socket: Socket, below: Socket): NodeTransport;
}

/** Listens; each socket is passed on as soon as it is there, so that its TLS handshake counts for its deadline. */
async function listen(
  { hostname, port, path, tls }: Parameters<Listen>[0],
  { accept, onError, secure }: ListenHooks,
): ReturnType<Listen> {
  if (path === undefined) checkPermission();
  if (tls !== undefined) checkKeyPair(tls);
  const secureContext = tls && createSecureContext({ cert: tls.cert, key: tls.key });
  const sockets = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    if (secureContext === undefined) return accept(new NodeTransport(socket, { fresh: true }));
    const secured = new TLSSocket(socket, { isServer: true, secureContext });
    const transport = secure(secured, socket);
    transport.handshaking = true;
    secured.once("secure", () => transport.handshaking = false);
    accept(transport);
  });
  server.listen(path === undefined ? { host: hostname, port } : { path });
  await once(server, "listening");
  server.on("error", onError);
  return { address: addressOf(server), close: () => closeServer(server, sockets) };
}

/** Fails for what cannot work, where Deno's context would fail for each client. */
function checkKeyPair({ cert, key }: { cert: string; key: string }): void {
  if (new X509Certificate(cert).checkPrivateKey(createPrivateKey(key))) return;
  throw new TypeError("Cannot set tls: the key is not that of the certificate");
}

/**
 * Asks whether the process may listen. Under `--permission` without `--allow-net` Node throws where nobody can catch it, and
 * the process ends. Versions that do not restrict the network say that it is not allowed.
 */
function checkPermission(): void {
  // Not declared by all versions of Node's types, and not there on other runtimes.
  const { permission } = process as { permission?: { has(scope: string): boolean } };
  const restricted = permission !== undefined && process.allowedNodeEnvironmentFlags.has("--allow-net");
  if (!restricted || permission.has("net")) return;
  const message = "Cannot serve: the process may not listen on a port; start Node with --allow-net";
  throw Object.assign(new Error(message), { code: "ERR_ACCESS_DENIED", permission: "Net" });
}

function addressOf(server: NetServer): ServerAddress {
  const address = server.address();
  if (typeof address === "string") return { path: address };
  return { hostname: address!.address, port: address!.port };
}

function closeServer(server: NetServer, sockets: Iterable<Socket>): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  for (const socket of sockets) socket.destroy();
  return closed;
}

function dialTcp(target: DialTarget): Socket {
  return connectTcp(addressFor(target)).setNoDelay(true);
}

function dialTls(target: DialTarget, below: Socket | undefined): Socket {
  const { ca, serverName } = target.tls!;
  return connectTls({
    ...below === undefined ? addressFor(target) : { socket: below },
    ...ca !== undefined && { ca },
    // Whatever the environment says.
    rejectUnauthorized: true,
    // The extension that says the name has no room for addresses (RFC 6066 §3), which are checked all the same.
    servername: isIP(serverName) ? "" : serverName,
    checkServerIdentity: (_, certificate) => checkServerIdentity(serverName, certificate),
  }).setNoDelay(true);
}

function addressFor({ hostname, port, path }: DialTarget) {
  return { ...path === undefined ? { host: hostname, port } : { path }, allowHalfOpen: true };
}

/** Waits until a socket is connected; destroys it if the signal gives up before. */
function connected(socket: Socket, event: "connect" | "secureConnect", signal: AbortSignal): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const settle = () => {
      signal.removeEventListener("abort", onAbort);
      socket.off("error", onError).off(event, onConnect).off("close", onClose);
    };
    const fail = (error: unknown) => {
      settle();
      socket.on("error", () => {}).destroy();
      reject(error);
    };
    const onAbort = () => fail(signal.reason);
    const onError = (cause: unknown) => fail(new HandshakeError("unreachable", { cause }));
    const onClose = () => onError(undefined);
    const onConnect = () => {
      settle();
      resolve(socket);
    };
    socket.once(event, onConnect).once("error", onError).once("close", onClose);
    if (signal.aborted) onAbort();
    else signal.addEventListener("abort", onAbort);
  });
}
