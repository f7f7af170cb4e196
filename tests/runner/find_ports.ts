/**
 * Finds free ports, prints them, and keeps them until its stdin ends.
 *
 * @module
 */

import process from "node:process";
import { freePort } from "../support/ports.ts";

const ports: number[] = [];
while (ports.length < Number(process.argv[2])) ports.push(await freePort());
console.log(JSON.stringify(ports));
process.stdin.resume().once("end", () => process.exit());
