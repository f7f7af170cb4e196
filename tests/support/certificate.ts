/**
 * A certificate for this machine, made on the spot.
 *
 * @module
 */

import { execFileSync } from "node:child_process";

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
