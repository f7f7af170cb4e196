/**
 * A certificate for this machine, made on the spot.
 *
 * @module
 */

import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";

/** A certificate and its key, both PEM. The certificate is its own authority. */
export interface Certificate {
  readonly cert: string;
  readonly key: string;
}

/** Makes a certificate for `localhost` and 127.0.0.1, or for other names. Needs the program `openssl`. */
export function makeCertificate(names = "DNS:localhost,IP:127.0.0.1"): Certificate {
  const pem = execFileSync("openssl", [
    ..."req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -keyout - -out -".split(
      " ",
    ),
    ...["-subj", "/CN=Sluice test", "-addext", `subjectAltName=${names}`],
    // Deno takes no authority for a server.
    ...["-addext", "basicConstraints=critical,CA:FALSE"],
  ], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
  const start = pem.indexOf("-----BEGIN CERTIFICATE-----");
  return { key: pem.slice(0, start), cert: pem.slice(start) };
}

/** Where servers and clients in other processes find the certificate that they are to use. */
const FOLDER = "SLUICE_TEST_CERTIFICATE";

/** A certificate that other processes share. */
export interface SharedCertificate {
  /** What to set in their environment: it also makes Node, Deno and Bun trust it. */
  readonly env: Readonly<Record<string, string>>;
  /** Removes its files. */
  remove(): void;
}

/** Tells processes of a certificate: one that is made for them, unless there is one. */
export function shareCertificate({ cert, key }: Certificate = makeCertificate()): SharedCertificate {
  const folder = mkdtempSync(join(tmpdir(), "sluice-certificate-"));
  const path = join(folder, "cert.pem");
  writeFileSync(path, cert);
  writeFileSync(join(folder, "key.pem"), key);
  return {
    env: { [FOLDER]: folder, NODE_EXTRA_CA_CERTS: path, DENO_CERT: path },
    remove: () => rmSync(folder, { recursive: true }),
  };
}

/** Reads the certificate that was shared with this process; `undefined` if none was. */
export function sharedCertificate(): Certificate | undefined {
  const folder = process.env[FOLDER];
  if (folder === undefined) return undefined;
  const [cert, key] = ["cert.pem", "key.pem"].map((name) => readFileSync(join(folder, name), "utf8"));
  return { cert: cert!, key: key! };
}

/** What a server started with `--tls` uses: the certificate that was shared with it, or one of its own. */
export function certificateFromFlags(): Certificate | undefined {
  if (!process.argv.includes("--tls")) return undefined;
  return sharedCertificate() ?? makeCertificate();
}
