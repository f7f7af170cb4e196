/**
 * Tests that run twice: over TCP as it is, and over TLS.
 *
 * @module
 */

import { test } from "node:test";
import { connect as connectTls, createSecureContext, type SecureContext, TLSSocket } from "node:tls";
import { AsyncLocalStorage } from "node:async_hooks";
import { once } from "node:events";
import type { Socket } from "node:net";
import { type Certificate, makeCertificate } from "./certificate.ts";
import { requires } from "./requires.ts";

/** What the running test goes over; TCP if there is none. Tests of a file run one after the other. */
let current: Certificate | undefined;
let made: Certificate | undefined;
let context: SecureContext | undefined;

/** The same for tests that run beside each other. */
const links = new AsyncLocalStorage<Certificate>();

/** The certificate of the server that the running test talks to, if that goes over TLS. */
export function currentCertificate(): Certificate | undefined {
  return current ?? links.getStore();
}

/**
 * Makes two tests. In the second `serving`, `scripted` and `Wire` go over TLS.
 *
 * @param name What to call the first.
 * @param run Both; it takes URLs as `serving` and `scripted` give them.
 */
export function testOverTcpAndTls(name: string, run: () => Promise<void>): void {
  test(name, run);
  test(`over TLS: ${name}`, requires("openssl"), async () => {
    current = made ??= makeCertificate();
    try {
      await run();
    } finally {
      current = undefined;
    }
  });
}

/** Runs something over TLS, also beside others that go over TCP. */
export function overTls<T>(run: () => Promise<T>): Promise<T> {
  return links.run(made ??= makeCertificate(), run);
}

/** The TCP sockets below those that {@linkcode securedClient} has made. */
const below = new WeakMap<Socket, Socket>();

/** Ends a client's socket by a reset, be it below TLS. */
export function resetClient(socket: Socket): void {
  (below.get(socket) ?? socket).resetAndDestroy();
  socket.destroy();
}

/** Puts TLS on a client's socket, if the running test goes over it. */
export async function securedClient(socket: Socket): Promise<Socket> {
  if (currentCertificate() === undefined) return socket;
  const secured = connectTls({ socket, rejectUnauthorized: false });
  below.set(secured, socket);
  await once(secured, "secureConnect");
  return secured;
}

/** Puts TLS on a server's socket, if the running test goes over it. */
export function securedServer(socket: Socket): Socket {
  const certificate = currentCertificate();
  if (certificate === undefined) return socket;
  return new TLSSocket(socket, {
    isServer: true,
    secureContext: context ??= createSecureContext({ ...certificate }),
  });
}
