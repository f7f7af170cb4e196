/**
 * A client in a process of its own, to be stopped and resumed: connects with npm's `ws`, answers Pings as that does,
 * and prints what happens.
 *
 * @module
 */

import process from "node:process";
import { WebSocket } from "ws";

const socket = new WebSocket(process.argv[2]!, { perMessageDeflate: false, rejectUnauthorized: false });
socket.on("open", () => console.log("open"));
socket.on("ping", () => console.log("ping"));
socket.on("close", (code) => console.log(`closed ${code}`));
socket.on("error", (error) => console.log(`error ${error.message}`));
