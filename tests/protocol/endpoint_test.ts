import { assert, assertEquals, assertThrows } from "#std/assert";
import fc from "fast-check";
import { test } from "node:test";
import { CONNECTION_FAULTS, WebSocketError } from "../../lib/errors.ts";
import type { CloseInfo } from "../../lib/protocol/close_payload.ts";
import { Endpoint, type EndpointEvent } from "../../lib/protocol/endpoint.ts";
import type { Role } from "../../lib/protocol/frame.ts";
import { isMessage, type Message } from "../../lib/protocol/message_assembler.ts";
import { eventsOf, isEvent } from "../support/endpoint_events.ts";
import { check } from "../support/property.ts";
import { concat, fromHex, toHex } from "../vectors/hex.ts";
import { decodeLines, otherRole, showEvent, wireTo } from "./replay.ts";

const ROLES: readonly Role[] = ["server", "client"];

function endpoint(
  role: Role,
  limits: { maxMessageSize?: number; maxEmptyFragments?: number } = {},
): Endpoint {
  return new Endpoint({ role, maxMessageSize: 1_048_576, maxEmptyFragments: 1_024, ...limits });
}

/** Gives bytes to an endpoint and takes all its events. */
function feed(endpoint: Endpoint, bytes: Uint8Array): EndpointEvent[] {
  endpoint.receive(bytes.slice());
  return [...eventsOf(endpoint)];
}

/** Gives frames, as the vectors write them, and tells the events. */
function play(endpoint: Endpoint, role: Role, frames: string): string[] {
  return feed(endpoint, wireTo(role, frames)).map(showEvent);
}

/** Takes the frames that an endpoint of this role has to send. */
function sent(endpoint: Endpoint, role: Role): string[] {
  return decodeLines([endpoint.output.take()], { role: otherRole(role) });
}

/** One end of two in memory: what it sent, what reached it, and the bytes on their way to it. */
class End {
  readonly endpoint: Endpoint;
  readonly events: EndpointEvent[] = [];
  inbox: Uint8Array = new Uint8Array(0);
  peer!: End;
  readonly messages: Message[] = [];
  readonly pings: string[] = [];
  closing: CloseInfo | undefined;

  constructor(role: Role) {
    this.endpoint = endpoint(role);
  }

  /** Puts what the endpoint has to send on its way. */
  flush(): void {
    this.peer.inbox = concat([this.peer.inbox, this.endpoint.output.take()]);
  }

  /** Lets the first bytes arrive. */
  deliver(count: number): void {
    const bytes = this.inbox.subarray(0, count);
    this.inbox = this.inbox.subarray(count);
    const before = this.events.length;
    this.events.push(...feed(this.endpoint, bytes));
    const ended = this.events.slice(0, before).some((event) =>
      isEvent(event, "close") || isEvent(event, "error")
    );
    if (ended) assertEquals(this.events.length, before, "an event came behind the end");
    this.flush();
  }

  received(): Message[] {
    return this.events.filter(isMessage);
  }

  pongs(): string[] {
    return this.events.flatMap((event) => isEvent(event, "pong") ? [toHex(event.payload)] : []);
  }

  closeInfo(): CloseInfo | undefined {
    return this.events.flatMap((event) => isEvent(event, "close") ? [event.info] : [])[0];
  }
}

type Act =
  | { do: "message"; data: Message }
  | { do: "ping"; payload: Uint8Array }
  | { do: "deliver"; count: number }
  | { do: "close"; info: CloseInfo };

function perform(end: End, act: Act): void {
  if (act.do === "deliver") return end.deliver(act.count);
  if (end.endpoint.state !== "open") return;
  if (act.do === "message") {
    end.messages.push(act.data);
    end.endpoint.sendMessage(act.data);
  } else if (act.do === "ping") {
    end.pings.push(toHex(act.payload));
    end.endpoint.sendPing(act.payload);
  } else {
    end.closing = act.info;
    end.endpoint.sendClose(act.info);
  }
  end.flush();
}

function pair(): [server: End, client: End] {
  const [server, client] = [new End("server"), new End("client")];
  server.peer = client;
  client.peer = server;
  return [server, client];
}

function settle(ends: readonly End[]): void {
  while (ends.some((end) => end.inbox.length > 0)) for (const end of ends) end.deliver(end.inbox.length);
}

const data = fc.oneof(
  fc.string({ unit: "binary", maxLength: 100 }),
  fc.uint8Array({ maxLength: 100 }),
  fc.constantFrom<Message>(
    "",
    "é".repeat(63),
    "a".repeat(70_000),
    new Uint8Array(126),
    new Uint8Array(65_536),
  ),
);
const act: fc.Arbitrary<Act> = fc.oneof(
  { arbitrary: data.map((data): Act => ({ do: "message", data })), weight: 4 },
  {
    arbitrary: fc.uint8Array({ maxLength: 125 }).map((payload): Act => ({ do: "ping", payload })),
    weight: 2,
  },
  {
    arbitrary: fc.oneof(fc.nat(10), fc.nat(200_000)).map((count): Act => ({ do: "deliver", count })),
    weight: 4,
  },
);
const closing: fc.Arbitrary<Act> = fc.record({
  closeCode: fc.oneof(fc.constantFrom(1000, 1001, 1005, 1011), fc.integer({ min: 3000, max: 4999 })),
  reason: fc.string({ unit: "grapheme", maxLength: 8 }),
}).map((info): Act => ({
  do: "close",
  info: info.closeCode === 1005 ? { closeCode: 1005, reason: "" } : info,
}));
const script = (act: fc.Arbitrary<Act>): fc.Arbitrary<[number, Act][]> =>
  fc.array(fc.tuple(fc.nat(1), act), { maxLength: 40 });

test("back to back: what one end sends, the other receives, and every Ping is answered in order", () => {
  const property = fc.property(script(act), (script) => {
    const ends = pair();
    for (const [who, act] of script) perform(ends[who]!, act);
    settle(ends);
    for (const end of ends) {
      assertEquals(end.received(), end.peer.messages);
      assertEquals(end.pongs(), end.pings);
      assertEquals(end.endpoint.state, "open");
    }
  });
  check(property, { numRuns: 200 });
});

test("back to back with Closes: nothing is lost that a Close does not cut off, and both ends agree on it", () => {
  const any = fc.oneof({ arbitrary: act, weight: 9 }, { arbitrary: closing, weight: 1 });
  const property = fc.property(script(any), (script) => {
    const ends = pair();
    for (const [who, act] of script) perform(ends[who]!, act);
    settle(ends);
    const closed = ends.some(({ closing }) => closing !== undefined);
    for (const end of ends) {
      const { peer } = end;
      assertEquals(end.endpoint.state, closed ? "closed" : "open");
      assertEquals(end.received(), peer.messages.slice(0, end.received().length));
      if (end.closing === undefined) assertEquals(end.received().length, peer.messages.length);
      assertEquals(end.pongs(), end.pings.slice(0, end.pongs().length));
      // Who closed hears its own code and reason back, unless the other had closed too.
      if (closed) assertEquals(end.closeInfo(), peer.closing ?? end.closing!);
      assertEquals(end.events.filter((event) => isEvent(event, "error")), []);
    }
  });
  check(property, { numRuns: 300 });
});

for (const role of ROLES) {
  const peer = otherRole(role);

  test(`the ${role} closes first: closeSent, then closed with the answer`, () => {
    const ours = endpoint(role);
    ours.sendClose({ closeCode: 4000, reason: "done" });
    assertEquals([ours.state, ours.finished], ["closeSent", false]);
    assertEquals(sent(ours, role), ["88 0fa0646f6e65"]);
    assertEquals(play(ours, role, "88 06: 0fa0646f6e65"), ['close 4000 "done"']);
    assertEquals([ours.state, ours.finished], ["closed", true]);
    assertEquals(sent(ours, role), []);
  });

  test(`the ${peer} closes first: the ${role} answers with the same code and reason (§5.5.1)`, () => {
    const ours = endpoint(role);
    assertEquals(play(ours, role, "88 06: 0fa0646f6e65"), ['close 4000 "done"']);
    assertEquals([ours.state, ours.finished], ["closed", true]);
    assertEquals(sent(ours, role), ["88 0fa0646f6e65"]);
  });

  test(`both close at once: the ${role} hears the other's code and sends no second Close`, () => {
    const ours = endpoint(role);
    const theirs = endpoint(peer);
    ours.sendClose({ closeCode: 4001, reason: "a" });
    theirs.sendClose({ closeCode: 4002, reason: "b" });
    const [fromOurs, fromTheirs] = [ours.output.take(), theirs.output.take()];
    assertEquals(feed(ours, fromTheirs).map(showEvent), ['close 4002 "b"']);
    assertEquals(feed(theirs, fromOurs).map(showEvent), ['close 4001 "a"']);
    assertEquals([ours.state, theirs.state, ours.output.size, theirs.output.size], [
      "closed",
      "closed",
      0,
      0,
    ]);
  });

  test(`the ${role} receives messages that were on their way when it did not close`, () => {
    const ours = endpoint(role);
    assertEquals(play(ours, role, "81 01: 61; 88 02: 03e8; 81 01: 62"), ['text "a"', 'close 1000 ""']);
    assertEquals(play(ours, role, "81 01: 63; 89 00"), []);
    assertEquals(sent(ours, role), ["88 03e8"]);
  });

  test(`the ${role} delivers nothing and answers no Ping once its own Close is out`, () => {
    const ours = endpoint(role);
    assertEquals(play(ours, role, "01 01: 61"), []);
    ours.sendClose({ closeCode: 1000, reason: "" });
    ours.output.take();
    assertEquals(play(ours, role, "80 01: 62; 81 01: 63; 89 01: 64; 8a 01: 65"), []);
    assertEquals([ours.output.size, ours.state], [0, "closeSent"]);
  });

  test(`the ${role} cannot close twice`, () => {
    const ours = endpoint(role);
    ours.sendClose({ closeCode: 1000, reason: "" });
    assertThrows(() => ours.sendClose({ closeCode: 1000, reason: "" }), Error, "Cannot take step");
  });

  test(`the ${role} answers each Ping at once while it is not congested`, () => {
    const ours = endpoint(role);
    assertEquals(play(ours, role, "89 01: 31; 89 01: 32; 89 00"), []);
    assertEquals(sent(ours, role), ["8a 31", "8a 32", "8a "]);
  });

  test(`the ${role} answers the latest Ping alone when it was congested (§5.5.3)`, () => {
    const ours = endpoint(role);
    ours.congested = true;
    assertEquals(play(ours, role, "89 01: 31; 89 01: 32; 81 01: 61; 89 01: 33"), ['text "a"']);
    assertEquals(ours.output.size, 0);
    ours.relieve();
    assertEquals(ours.congested, false);
    assertEquals(sent(ours, role), ["8a 33"]);
    ours.relieve();
    assertEquals(ours.output.size, 0);
    assertEquals(play(ours, role, "89 01: 34"), []);
    assertEquals(sent(ours, role), ["8a 34"]);
  });

  test(`the ${role} holds one Pong however many Pings come while it is congested`, () => {
    const ours = endpoint(role);
    ours.congested = true;
    for (let i = 0; i < 1_000; i++) feed(ours, wireTo(role, "89 7d: 61*125; 89 02: 6869"));
    ours.relieve();
    assertEquals(sent(ours, role), ["8a 6869"]);
  });

  test(`the ${role} keeps the payload of the Pong that waits, whatever becomes of the chunk it came in`, () => {
    const ours = endpoint(role);
    ours.congested = true;
    play(ours, role, "89 02: 6869");
    play(ours, role, "89 02: 6a6b; 82 7e 0200: ff*512");
    ours.relieve();
    assertEquals(sent(ours, role), ["8a 6a6b"]);
  });

  test(`the ${role} sends no Pong that waited once a Close is out`, () => {
    for (const first of ["ours", "theirs", "fault"] as const) {
      const ours = endpoint(role);
      ours.congested = true;
      play(ours, role, "89 01: 31");
      if (first === "ours") ours.sendClose({ closeCode: 1000, reason: "" });
      else play(ours, role, first === "theirs" ? "88 02: 03e8" : "83 00");
      ours.output.take();
      ours.relieve();
      assertEquals(ours.output.size, 0, first);
    }
  });

  test(`the ${role} tells the peer why it failed, and nothing afterwards (§7.1.7)`, () => {
    const faults = [
      ["83 00", "reserved-opcode", "88 03ea"],
      ["81 01: ff", "invalid-utf8", "88 03ef"],
      ["82 7f 0000000000100001", "message-too-big", "88 03f1"],
      ["01 00; 00 00; 00 00", "too-many-empty-fragments", "88 03f0"],
    ];
    for (const [frames, code, close] of faults) {
      const ours = endpoint(role, { maxEmptyFragments: 2 });
      assertEquals(play(ours, role, frames!), [`error ${code}`]);
      assertEquals(sent(ours, role), [close!]);
      assertEquals([ours.state, ours.finished], ["failed", true]);
      assertEquals(play(ours, role, "81 01: 61; 88 02: 03e8; 89 00"), []);
      assertEquals([ours.output.size, ours.peerEnded()], [0, undefined]);
    }
  });

  test(`the ${role} sends no second Close when the peer is at fault behind the first`, () => {
    const ours = endpoint(role);
    ours.sendClose({ closeCode: 1000, reason: "" });
    ours.output.take();
    assertEquals(play(ours, role, "83 00"), ["error reserved-opcode"]);
    assertEquals([ours.state, ours.output.size], ["failed", 0]);
  });

  for (const closing of [false, true]) {
    test(`a stream that ends early, ${closing ? "behind" : "without"} our Close, is lost for the ${role}`, () => {
      const ours = endpoint(role);
      if (closing) ours.sendClose({ closeCode: 1000, reason: "" });
      ours.output.take();
      assertEquals(play(ours, role, "82 05: 6161"), []);
      const event = ours.peerEnded();
      assert(event?.type === "error");
      assertEquals([event.error.code, event.error.closeCode], ["connection-lost", 1006]);
      assertEquals([ours.state, ours.finished, ours.output.size], ["finishing", true, 0]);
      assertEquals([ours.peerEnded(), ours.next()], [undefined, undefined]);
      assertEquals(play(ours, role, "81 01: 61"), []);
    });
  }

  test(`a stream that ends behind both Closes is no loss for the ${role}`, () => {
    const ours = endpoint(role);
    play(ours, role, "88 00");
    assertEquals([ours.peerEnded(), ours.state], [undefined, "finishing"]);
  });

  test(`the ${role} masks ${role === "client" ? "every frame" : "nothing"} that it sends (§5.1)`, () => {
    const ours = endpoint(role);
    ours.sendMessage("text");
    ours.sendMessage(fromHex("0102"));
    ours.sendPing(fromHex("03"));
    play(ours, role, "89 01: 04");
    ours.sendClose({ closeCode: 1000, reason: "" });
    const bytes = ours.output.take();
    const read = (role: Role): string[] => decodeLines([bytes], { role });
    assertEquals(read(peer), ["81 74657874", "82 0102", "89 03", "8a 04", "88 03e8"]);
    assertEquals(read(role).at(-1), `error ${role === "client" ? "masked-frame" : "unmasked-frame"}`);
  });

  test(`the ${role} gives events one by one, and sends what was due before each; a Close waits for its turn`, () => {
    const ours = endpoint(role);
    ours.receive(wireTo(role, "89 00; 81 01: 61; 89 01: 31; 81 01: 62; 88 00"));
    const steps: string[] = [];
    for (let event = ours.next(); event !== undefined; event = ours.next()) {
      steps.push(showEvent(event), ...sent(ours, role));
    }
    assertEquals(steps, ['text "a"', "8a ", 'text "b"', "8a 31", "end"]);
    assertEquals([ours.state, ours.canSend, ours.finished], ["closeReceived", true, false]);
    ours.sendMessage("c");
    assertEquals(showEvent(ours.allRead()!), 'close 1005 ""');
    assertEquals(sent(ours, role).map((line) => line.slice(0, 2)), ["81", "88"]);
    assertEquals([ours.state, ours.canSend, ours.finished], ["closed", false, true]);
  });
}

for (const role of ["server", "client"] as const) {
  const heldEnds: readonly (readonly [name: string, frames: string, ended: string, close: string])[] = [
    ["a Close", "81 01: 61; 88 05: 03e8 627965; 81 01: 62; ff 00", 'close 1000 "bye"', "88 03e8627965"],
    ["a violation", "81 01: 61; 83 01: 62; 88 00", "error reserved-opcode", "88 03ea"],
    ["bad UTF-8", "81 01: 61; 81 01: ff; 81 01: 62", "error invalid-utf8", "88 03ef"],
    ["a Close with a bad code", "81 01: 61; 88 02: 03ee; 88 00", "error close-code-invalid", "88 03ea"],
  ];
  for (const [name, frames, ended, close] of heldEnds) {
    const held = () => {
      const ours = endpoint(role);
      ours.receive(wireTo(role, frames));
      const events = [ours.next(), ours.next(), ours.next()].map((event) => event && showEvent(event));
      assertEquals(events, ['text "a"', "end", undefined]);
      return ours;
    };

    test(`the ${role} holds ${name}: nothing after it is decoded, not even what comes later`, () => {
      const ours = held();
      ours.receive(wireTo(role, "89 01: 31; 81 01: 63; 88 00"));
      assertEquals([ours.next(), ours.peerEnded(), sent(ours, role)], [undefined, undefined, []]);
      assertEquals(showEvent(ours.allRead()!), ended);
      const [code, reason] = close.split(" ") as [string, string];
      assertEquals(sent(ours, role).map((line) => line.slice(0, 2)), [code]);
      assertEquals([reason.length > 0, ours.finished, ours.next()], [true, true, undefined]);
    });

    test(`the ${role} holds ${name} until its own Close, which answers it`, () => {
      const ours = held();
      const event = ours.sendClose({ closeCode: 4000, reason: "" });
      assertEquals(event && showEvent(event), ended);
      assertEquals([sent(ours, role).length, ours.finished], [1, true]);
    });

    test(`the ${role} holds ${name}: a lost stream and a failure of its own end it at once`, () => {
      const lost = held();
      lost.abort();
      assertEquals([lost.state, lost.canSend, sent(lost, role)], ["cut", false, []]);
      const failed = held();
      assertEquals(failed.fail(new WebSocketError("internal"))?.type, "error");
      assertEquals([failed.state, failed.canSend, sent(failed, role).length], ["failed", false, 1]);
    });
  }
}

test("an error of the endpoint carries its row of the table", () => {
  const ours = endpoint("server");
  const [event] = feed(ours, wireTo("server", "81 01: ff"));
  assert(isEvent(event, "error"));
  const [closeCode, section, message] = CONNECTION_FAULTS["invalid-utf8"];
  assertEquals([event.error.closeCode, event.error.section, event.error.message], [
    closeCode,
    section,
    message,
  ]);
});

test("a message that arrives in many parts is held in a buffer of its own size, if that was declared", () => {
  const ours = endpoint("server");
  const bytes = wireTo("server", "82 7e 9c40: 61*40000");
  const events = Array.from(bytes, (_, at) => feed(ours, bytes.subarray(at, at + 1))).flat();
  const data = events[0] as Uint8Array | undefined;
  assertEquals([events.length, data?.length, data?.buffer.byteLength], [1, 40_000, 40_000]);
});
