/**
 * Groups 2, 3 and 4: Pings and Pongs, reserved bits, reserved opcodes.
 *
 * @module
 */

import {
  begin,
  binary,
  type Case,
  close,
  end,
  fails,
  frame,
  type FrameSpec,
  gets,
  ping,
  pong,
  row,
  send,
  sendEach,
  sendOctets,
  type Step,
  text,
  withRsv,
} from "./case.ts";
import { binaryOf } from "./payloads.ts";

const HELLO = text("Hello, world!");
const BYTES = Uint8Array.of(0x00, 0xff, 0xfe, 0xfd, 0xfc, 0xfb, 0x00, 0xff);
const FULL = binaryOf(125);
const TEN = Array.from({ length: 10 }, (_, i) => `payload ${i}`);

const pings: readonly Case[] = [
  row("2.1", "an empty Ping", send(ping()), gets(pong())),
  row("2.2", "a Ping with a text", send(ping("Hello, world!")), gets(pong("Hello, world!"))),
  row("2.3", "a Ping with octets that are no text", send(ping(BYTES)), gets(pong(BYTES))),
  row("2.4", "a Ping of 125 octets", send(ping(FULL)), gets(pong(FULL))),
  row("2.5", "a Ping of 126 octets", send(ping(binaryOf(126))), fails(1002)),
  row("2.6", "a Ping of 125 octets, octet by octet", sendOctets(ping(FULL)), gets(pong(FULL))),
  row("2.7", "an empty Pong that nobody asked for", send(pong())),
  row("2.8", "a Pong that nobody asked for", send(pong("unsolicited"))),
  row("2.9", "a Pong that nobody asked for, and a Ping", ...[
    send(pong("unsolicited"), ping("Hello, world!")),
    gets(pong("Hello, world!")),
  ]),
  row("2.10", "ten Pings in one write", send(...TEN.map(ping)), ...TEN.map((data) => gets(pong(data)))),
  row(
    "2.11",
    "ten Pings, octet by octet",
    sendOctets(...TEN.map(ping)),
    ...TEN.map((data) => gets(pong(data))),
  ),
  row("2.+", "a Pong of 126 octets", send(pong(binaryOf(126))), fails(1002)),
  row("2.+", "a Ping, answered before the message around it is whole", ...[
    send(begin("Hel"), ping("now")),
    gets(pong("now")),
    send(end("lo")),
    gets(text("Hello")),
  ]),
];

const rsvBits = (rsv: number): string =>
  [4, 2, 1].flatMap((bit, i) => rsv & bit ? [`RSV${i + 1}`] : []).join(" and ");

const reserved: readonly Case[] = [
  row("3.1", "a text with RSV3", send(withRsv(1, HELLO)), fails(1002)),
  row("3.2", "a text, one with RSV2 and a Ping in one write", ...[
    send(HELLO, withRsv(2, HELLO), ping()),
    gets(HELLO),
    fails(1002),
  ]),
  row("3.3", "a text, one with RSV2 and RSV3 and a Ping, frame by frame", ...[
    sendEach(HELLO, withRsv(3, HELLO), ping()),
    gets(HELLO),
    fails(1002),
  ]),
  row("3.4", "a text, one with RSV1 and a Ping, octet by octet", ...[
    sendOctets(HELLO, withRsv(4, HELLO), ping()),
    gets(HELLO),
    fails(1002),
  ]),
  row("3.5", "binary data with RSV1 and RSV3", send(withRsv(5, binary(BYTES))), fails(1002)),
  row("3.6", "a Ping with RSV1 and RSV2", send(withRsv(6, ping("Hello, world!"))), fails(1002)),
  row("3.7", "a Close with RSV1, RSV2 and RSV3", send(withRsv(7, close(1000))), fails(1002)),
  ...[1, 2, 3, 4, 5, 6, 7].map((rsv) =>
    row("3.+", `a text, its echo, then one with ${rsvBits(rsv)}`, ...[
      send(HELLO),
      gets(HELLO),
      send(withRsv(rsv, HELLO), ping()),
      fails(1002),
    ])
  ),
  row("3.+", "a last fragment with RSV1", send(begin("Hel"), withRsv(4, end("lo"))), fails(1002)),
];

/** A text, a frame that fails the connection, a Ping: as the public list has it, three times with a message first. */
function aroundOpcode(section: string, opcodes: readonly number[]): Case[] {
  const bad = (opcode: number, payload = ""): FrameSpec => frame(0x80 | opcode, payload);
  const name = (opcode: number): string => `opcode ${opcode}`;
  const [first, second, third, fourth, fifth] = opcodes as [number, number, number, number, number];
  const rest: Step[] = [gets(HELLO), fails(1002)];
  return [
    row(`${section}.1`, name(first), send(bad(first)), fails(1002)),
    row(`${section}.2`, `${name(second)} with a payload`, send(bad(second, "reserved")), fails(1002)),
    row(`${section}.3`, `a text, ${name(third)} and a Ping`, send(HELLO, bad(third), ping()), ...rest),
    row(`${section}.4`, `a text, ${name(fourth)} with a payload and a Ping`, ...[
      send(HELLO, bad(fourth, "reserved"), ping()),
      ...rest,
    ]),
    row(`${section}.5`, `a text, ${name(fifth)} with a payload and a Ping, octet by octet`, ...[
      sendOctets(HELLO, bad(fifth, "reserved"), ping()),
      ...rest,
    ]),
    ...opcodes.flatMap((opcode) => [
      row("4.+", `a text, its echo, then ${name(opcode)}`, ...[
        send(HELLO),
        gets(HELLO),
        send(bad(opcode, "reserved"), ping()),
        fails(1002),
      ]),
      row("4.+", `${name(opcode)} without FIN`, send(frame(opcode, "reserved")), fails(1002)),
      row("4.+", `${name(opcode)} within a message`, send(begin("Hel"), bad(opcode), end("lo")), fails(1002)),
    ]),
  ];
}

/** The cases of groups 2 to 4. */
export const CONTROL_CASES: readonly Case[] = [
  ...pings,
  ...reserved,
  ...aroundOpcode("4.1", [3, 4, 5, 6, 7]),
  ...aroundOpcode("4.2", [11, 12, 13, 14, 15]),
];
