/**
 * The guards of connections and servers: timeouts, limits, who gets in.
 *
 * @module
 */

import { type Mutant, mutantsOf } from "./mutant.ts";

const CLOSING = ["tests/behaviour/closing_test.ts"];
const MESSAGES = ["tests/behaviour/messages_test.ts", "tests/connection/streams_test.ts"];
const UPGRADE = ["tests/behaviour/upgrade_test.ts", "tests/behaviour/places_test.ts"];
const TIMEOUTS = ["tests/behaviour/timeouts_test.ts"];
const SERVERS = ["tests/behaviour/hostile_servers_test.ts"];
const HTTP = ["tests/behaviour/http_test.ts", "tests/behaviour/http_1_0_test.ts"];

const connection = mutantsOf(
  "lib/connection/connection.ts",
  [
    ...CLOSING,
    ...MESSAGES,
    "tests/connection/turns_test.ts",
    "tests/connection/ending_test.ts",
  ],
  [
    [
      "who does not read holds its peer back",
      "!wanted && unread >= most",
      "false",
    ],
    ["who has had its turn waits", "full || this.#endpoint.turnIsOver", "full"],
    [
      "who waits for its turn gets it once",
      "this.#endpoint.turnIsOver && !this.#pumpScheduled",
      "this.#endpoint.turnIsOver",
    ],
    [
      "nothing is sent that has ended",
      "if (!this.#endpoint.canSend) return rejected(this.#notOpen());\n    if (this.#line?.busy)",
      "if (this.#line?.busy)",
    ],
    ["a code to close with is checked", "checkClose(options);", ""],
    ["the first end counts", "if (this.#closeState.settled) return;", ""],
  ],
);

const ORDER = ["tests/behaviour/close_order_test.ts", "tests/connection/close_order_test.ts"];

const ends = [
  ...mutantsOf("lib/connection/task.ts", ORDER, [
    ["an end waits for tasks that a reader queued", "if (again) this.queue();\n    else this", "this"],
  ]),
  ...mutantsOf("lib/connection/receive_queue.ts", ORDER, [
    [
      "an end does not wait for readers that there are not",
      "if (!this.#wasRead || this.wanted)",
      "if (this.wanted)",
    ],
    [
      "an end waits for the message in hand",
      "this.#messages.size > 0 || this.#inHand",
      "this.#messages.size > 0",
    ],
  ]),
  ...mutantsOf("lib/connection/connection.ts", ORDER, [
    ["an end waits for its turn", " && this.#queue.exhausted", ""],
    ["an end waits for what is about to be sent", "this.#endHolders === 0 && this.#queue", "this.#queue"],
  ]),
  ...mutantsOf("lib/connection/to_web_socket.ts", ORDER, [
    ["an end waits for Blobs", "this.#connection.holdEnd?.();", "this.#connection.holdEnd?.bind;"],
  ]),
];

const lives = mutantsOf("lib/connection/connection.ts", ["tests/connection/life_test.ts"], [
  [
    "an end has a deadline",
    "if (life.deadline !== deadline) this.#setDeadline(life.deadline !== undefined);",
    "",
  ],
  ["a deadline is that of one state", "if (life.deadline !== deadline) this", "this"],
  ["a deadline that is over is gone", "this.#deadline?.stop();", ""],
  ["our direction is ended once", "if (life.shutdown && !shutdown)", "if (life.shutdown)"],
  ["a stream is freed", "if (life.destroy && !destroy)", "if (false)"],
  ["nothing is written to a stream that is given up", " && !this.#endpoint.life.destroy", ""],
  ["nothing is written to a stream that is gone", "this.#transport.open && !this", "!this"],
  [
    "what cannot be reset is freed",
    "if (reset) this.#transport.reset?.();",
    "if (reset) return this.#transport.reset?.();",
  ],
]);

const backpressure = [
  ...mutantsOf("lib/connection/connection.ts", ["tests/connection/backpressure_test.ts"], [
    ["who does not read is read from no more", "!wanted && unread >= most", "false"],
    ["a mark of 0 reads ahead", "Math.max(1, this.#limits.highWaterMark)", "this.#limits.highWaterMark"],
    ["what is thrown away takes no room", `this.#endpoint.life.receives === "all" && `, ""],
  ]),
  ...mutantsOf("lib/connection/outbox.ts", ["tests/connection/backpressure_test.ts"], [
    ["who sends too much waits for room", "this.size < this.#highWaterMark || this.size === 0", "true"],
    ["who sends with a mark of 0 does not wait for ever", " || this.size === 0", ""],
    ["who waits is told of the end", "this.#relief?.reject(error());", ""],
  ]),
];

const congestion = mutantsOf("lib/connection/connection.ts", ["tests/connection/turns_test.ts"], [
  [
    "Pings are not all answered while much waits",
    "if (!this.#outbox.relieved) this.#endpoint.congested = true;",
    "",
  ],
]);

const PATIENCE = ["tests/connection/patience_test.ts"];

const keepalive = [
  ...mutantsOf("lib/connection/keepalive.ts", ["tests/connection/keepalive_test.ts"], [
    ["a peer that is silent is given up", `if (this.#next === "verdict") return "cut";`, ""],
    ["nothing is done before it is due", `if (now < this.due) return "nothing";`, ""],
    [
      "a byte is a sign of life",
      "this.#alive = true;\n    this.#congested = false;",
      "this.#congested = false;",
    ],
    [
      "who was heard of since has read",
      "this.#alive = true;\n    this.#congested = false;",
      "this.#alive = true;",
    ],
    ["a reader that is paused proves nothing", "if (!reading) {", "if (false) {"],
    ["a process that was stopped waits a moment more", "const GRACE = 50;", "const GRACE = 0;"],
    ["the timeout counts from the first Ping", "this.#alive || this.#pingsLeft === 0", "true"],
    ["who may be reading has more time", "const PATIENCE = 12;", "const PATIENCE = 1;"],
    ["who does not read is given up some time", " && --this.#patience > 0", ""],
    ["who has nothing to read has no more time", "(sending || this.#congested) && ", ""],
    ["who is behind has more time, though nothing waits", "(sending || this.#congested)", "sending"],
    ["who has not taken all has more time", "(sending || this.#congested)", "this.#congested"],
    [
      "who does not read is heard of all the same",
      `      return "ping";
    }
    const patient`,
      `      return "nothing";
    }
    const patient`,
    ],
  ]),
  ...mutantsOf("lib/connection/connection.ts", PATIENCE, [
    ["a byte is told of", "this.#keepalive?.heard();", ""],
    ["progress is a sign of life", "this.#keepalive?.progressed();", ""],
    ["progress is looked for", "this.#transport.lookForProgress?.();", ""],
    ["so is that much was waiting and is written", "this.#keepalive?.progressedLate();", ""],
    ["a reader that is paused says so", "reading: !this.#paused", "reading: true"],
    ["what waits to be sent is told of", "sending: this.#outbox.size > 0", "sending: false"],
    [
      "a peer that is dead is cut",
      `this.#cut(new WebSocketError("keepalive-timeout"), { reset: true });`,
      "this.flush();",
    ],
    [
      "keepalive asks nothing of a peer that has no more to say",
      "this.#stopKeepalive();\n    this.#endTask = new",
      "this.#endTask = new",
    ],
    ["Pings do not gather", `act === "ping" && this.#outbox.relieved`, `act === "ping"`],
  ]),
  ...mutantsOf("lib/adapters/node_transport.ts", ["tests/faults/node_transport_test.ts"], [
    ["progress is seen", "this.open && queued < this.#queued", "false"],
    ["no progress is none", "queued < this.#queued", "queued <= this.#queued"],
    ["progress below TLS is seen", " + (handle?._parent?.writeQueueSize ?? 0)", ""],
  ]),
];

const queue = mutantsOf("lib/connection/receive_queue.ts", ["tests/connection/receive_queue_test.ts"], [
  ["an empty message counts for something", "const MESSAGE_COST = 64;", "const MESSAGE_COST = 0;"],
  ["what is lent counts as unread", "?? this.#size + this.#lent;", "?? this.#size;"],
]);

const readers = mutantsOf("lib/connection/receive_queue.ts", ["tests/connection/readers_test.ts"], [
  ["what a reader left is given back", "if (this.#borrower !== undefined) this.#takeBack();", ""],
  ["a reader that left waits for nothing", "return this.borrower?.reading === false;", "return false;"],
  ["what a reader left is streamed", "this.#borrower?.fail(error) ?? []", "[]"],
]);

const STREAMING = ["tests/behaviour/streaming_test.ts"];
const INBOX = "tests/streams/message_inbox_test.ts";

const streaming = [
  ...mutantsOf("lib/connection/connection.ts", ["tests/connection/holding_test.ts"], [
    ["what is not read is not decompressed", "this.#endpoint.decodesOnDemand && this.#full", "false"],
    [
      "what comes compressed waits when the turn is over",
      "this.#endpoint.decodesOnDemand && this.#transport.turnIsOver?.()",
      "false",
    ],
    [
      "a turn that does not come is not waited for",
      "    // Its next turn does not come.\n    this.#pumpScheduled = false;",
      "",
    ],
  ]),
  ...mutantsOf("lib/connection/connection.ts", STREAMING, [
    ["messages wait while one is streamed", "if (this.#line?.busy) return this.#line.send(own);", ""],
    ["who waits for a source hears of the end", "this.#line?.stop(this.#notOpen());", ""],
    ["what waits in the line counts", "+ (this.#line?.size ?? 0)", ""],
  ]),
  ...mutantsOf("lib/connection/send_line.ts", STREAMING, [
    ["bytes that wait are copied", "message instanceof Uint8Array ? copyBytes(message) : message", "message"],
    ["a source that fails closes", "this.#owner.fail();", ""],
    ["a stream waits for the kernel", "await outbox.untilRelieved();", ""],
    ["nothing is streamed that has ended", "if (!endpoint.canSend) throw this.#owner.notOpen();", ""],
  ]),
  ...mutantsOf("lib/connection/receive_queue.ts", STREAMING, [
    ["who waits for a whole message is not forgotten", "if (this.wanted) throw", "if (false) throw"],
  ]),
  ...mutantsOf("lib/streams/incoming_message.ts", [...STREAMING, INBOX], [
    [
      "memory is given back when all in it is read",
      "      this.#unread -= PART_COST;\n      part.lender?.giveBack();",
      "      this.#unread -= PART_COST;",
    ],
    [
      "memory of what is thrown away is given back",
      "for (const { lender } of this.#parts.takeAll()) lender?.giveBack();",
      "this.#parts.takeAll();",
    ],
    ["memory of what is read in part is given back, too", "this.#current?.lender?.giveBack();", ""],
    [
      "parts are read once",
      "this.#enqueue(controller, copyBytes(bytes))",
      "this.#enqueue(controller, bytes)",
    ],
    [
      "the end comes behind what waits",
      "this.#end !== undefined && this.#unread === 0",
      "this.#end !== undefined",
    ],
    [
      "who reads is waited for",
      "if (!this.#readable?.locked) return this.#throwAway();",
      "return this.#throwAway();",
    ],
    [
      "what was thrown away is no empty message",
      "this.#controller?.error(error);",
      "this.#controller?.close();",
    ],
    ["what was read is not read again", "this.#used || this.readable.locked", "false"],
    [
      "what is thrown away is gone",
      "if (part.data.length === 0 || this.#discarded) return",
      "if (part.data.length === 0) return",
    ],
  ]),
  ...mutantsOf("lib/streams/message_inbox.ts", [...STREAMING, INBOX], [
    [
      "a message that is cut off fails",
      `new WebSocketError("message-cut") }`,
      "undefined }",
    ],
    ["what waits counts as unread", "return this.#waiting + (this.#current?.unread ?? 0);", "return 0;"],
  ]),
  ...mutantsOf("lib/streams/message_fragments.ts", [...STREAMING, "tests/streams/message_streams_test.ts"], [
    ["a pair of surrogates is not cut", "const split = !done && ", "const split = false && "],
    ["text is strings", `if (typeof value !== "string") throw`, "if (false) throw"],
  ]),
];

const pings = mutantsOf("lib/connection/pending_pings.ts", ["tests/connection/pending_pings_test.ts"], [
  ["a Ping is short", "if (payload.length <= MAX_CONTROL_LENGTH) return payload;", "return payload;"],
  ["Pings that wait are few", "this.#pending.length === MAX_PENDING", "false"],
]);

const ACCEPTING = [
  ...UPGRADE,
  ...TIMEOUTS,
  "tests/behaviour/transports_test.ts",
  "tests/behaviour/pending_upgrade_test.ts",
];

const accept = mutantsOf("lib/connection/accept.ts", ACCEPTING, [
  [
    "origins are checked",
    `if (!await reception.opening.isAllowedOrigin(settings.origins)) throw new HandshakeError("origin");`,
    "",
  ],
]);

const reception = mutantsOf("lib/connection/reception.ts", ACCEPTING, [
  ["a handshake ends in time", `() => channel.fail(new HandshakeError("timeout"))`, "() => {}"],
  ["who has left is not accepted", "if (channel.left !== undefined) throw channel.left;", ""],
]);

const acceptOptions = mutantsOf("lib/connection/accept_options.ts", ACCEPTING, [
  ["headers are checked when the server starts", "{ headers: readUserHeaders(headers) }", "{ headers }"],
]);

const dialling = mutantsOf("lib/connection/connect.ts", SERVERS, [
  [
    "a server answers in time",
    `() => giveUp.abort(new HandshakeError("timeout"))`,
    "() => {}",
  ],
  [
    "a handshake that fails frees its socket",
    "channel.transport.destroy();\n    throw error;",
    "throw error;",
  ],
]);

const clientOpening = mutantsOf("lib/handshake/client_opening.ts", SERVERS, [
  [
    "an extension is as it was offered",
    `if (extensions !== "" && agreed === undefined) throw new HandshakeError("extension-not-offered");`,
    "",
  ],
]);

const channel = mutantsOf("lib/connection/byte_channel.ts", [...TIMEOUTS, ...UPGRADE, ...HTTP], [
  ["who reads no answer is cut", "() => this.transport.destroy());\n      try", "() => {});\n      try"],
  [
    "who does not leave is cut",
    "() => this.transport.destroy());\n    this.transport.shutdown",
    "() => {});\n    this.transport.shutdown",
  ],
]);

const OPTIONS = ["tests/behaviour/options_test.ts", "tests/options/checks_test.ts"];

const options = [
  ...mutantsOf("lib/options/option_table.ts", OPTIONS, [
    ["an unknown option is refused", "if (Object.hasOwn(table, key)) continue;", "continue;"],
    [
      "options are an object",
      `if (typeof options !== "object" || options === null || Array.isArray(options))`,
      "if (false)",
    ],
    ["options are checked", "if (value !== undefined) check(value, path + key);", ""],
  ]),
  ...mutantsOf("lib/options/checks.ts", OPTIONS, [
    ["a number is whole, and large enough", " && value >= from && value <= to", ""],
    ["times fit a timer", "(value as number) <= MAX_TIME", "true"],
  ]),
];

const limits = mutantsOf("lib/connection/limits.ts", [
  ...OPTIONS,
  ...UPGRADE,
  ...CLOSING,
  "tests/behaviour/keepalive_test.ts",
], [
  ["a handshake needs some time", "handshakeTimeout: aPositiveTime", "handshakeTimeout: aTime"],
  ["a head has some bytes", "maxHeadSize: aPositiveNumber", "maxHeadSize: aNumber"],
  ["keepalive is checked", "checkOptions(name, value, keepaliveTable);", ""],
]);

const closeCode = mutantsOf("lib/connection/close_code.ts", ["tests/connection/close_code_test.ts"], [
  ["1002 is not the user's", " && value !== 1002", ""],
]);

const server = mutantsOf("lib/server/acceptor.ts", [
  ...UPGRADE,
  "tests/behaviour/hosts_test.ts",
  "tests/adapters/node_attach_test.ts",
], [
  ["connections are counted", " || this.#isFull) throw", ") throw"],
  ["so are those that are decided on", "this.#places.size >=", "this.connections.size >="],
  [
    "a plain request is, too",
    "this.#tasks.add(reception);\n    this.#places.add(reception);",
    "this.#tasks.add(reception);",
  ],
  ["a server that closes lets nobody in", "this.#closed !== undefined || ", ""],
  ["hosts are asked for", "opening.checkHost(this.#settings.hosts());", ""],
  ["origins are asked for", `if (!allowed) throw new HandshakeError("origin");`, ""],
  [
    "who is refused is not accepted",
    "if (refusal !== undefined) return this.#reject(reception, refusal);",
    "",
  ],
]);

const freeing = mutantsOf("lib/adapters/bun_transport.ts", ["tests/adapters/bun_transport_test.ts"], [
  ["what was copied is freed", "(chunk.buffer as GivenBack).transfer(0);", ""],
  ["who pauses in a chunk gets no more of it", "if (this.paused) return rest;", ""],
]);

const serverEnds = mutantsOf("lib/server/session.ts", [...CLOSING, "tests/faults/user_code_test.ts"], [
  [
    "a handler that fails closes with 1011",
    "connection.close(failure && { closeCode: 1011 });",
    "connection.close();",
  ],
  [
    "a handler that ends closes its connection",
    "connection.close(failure && { closeCode: 1011 });",
    "if (failure) connection.close({ closeCode: 1011 });",
  ],
  [
    "a peer that vanishes is no fault of a handler",
    "failure && !isErrorOf(failure.error, connection)",
    "failure",
  ],
]);

const pages = mutantsOf("lib/server/fetch_answer.ts", [...HTTP, ...TIMEOUTS], [
  [
    "without fetch there are no pages",
    `if (fetch === undefined) throw new HandshakeError("not-an-upgrade");`,
    `if (fetch === undefined) throw new HandshakeError("internal");`,
  ],
  ["OPTIONS * is not for fetch", "if (isServerWide(head)) return", "if (false) return"],
  ["an answer in 1.0 is not chunked", `chunked: head.httpVersion !== "1.0",`, ""],
  ["a method is what was sent", "{ method }).method === method", "{ method }).method !== null"],
]);

const requestBodies = mutantsOf("lib/connection/request_body.ts", [...HTTP, ...TIMEOUTS], [
  ["a body has a size", `if (length > maxBodySize) throw new HandshakeError("body-too-large");`, ""],
  [
    "nobody waits for 100",
    `if (length > 0 && expects) throw new HandshakeError("expectation");`,
    "",
  ],
  ["in 1.0 nobody does", `head.httpVersion !== "1.0" && `, ""],
  [
    "a body comes in time",
    `() => channel.fail(new HandshakeError("timeout"))`,
    "() => {}",
  ],
  ["what lies behind a body is not part of it", "part.subarray(0, length - body.length)", "part"],
]);

const ANSWERS = ["tests/behaviour/responses_test.ts"];
const answers = mutantsOf("lib/connection/http_answer.ts", ANSWERS, [
  ["a body that fails is cut", "if (started) channel.transport.destroy();", ""],
  ["a decoded body is not called coded", `...decoded ? ["content-encoding"] : []`, ""],
  ["a length is a number", "value === undefined || !isAll(value, DIGIT)", "value === undefined"],
]);

const responseBodies = mutantsOf("lib/connection/response_body.ts", ANSWERS, [
  ["a body is bytes", "if (!(value instanceof Uint8Array)) {", "if (false) {"],
  ["a body is not locked", "if (stream.locked) throw", "if (false) throw"],
]);

const framing = mutantsOf("lib/handshake/body_framing.ts", ANSWERS, [
  ["a body is not too long", "if (this.#size > this.#framing.length) throw", "if (false) throw"],
  ["a body is not too short", "if (this.#size < this.#framing.length) throw", "if (false) throw"],
  ["204 has no length", "if (status === 204) return undefined;", ""],
]);

const hops = mutantsOf("lib/handshake/http_response.ts", ANSWERS, [
  [
    "hop-by-hop fields are ours",
    "const dropped = new Set(HOP_BY_HOP);",
    "const dropped = new Set<string>();",
  ],
]);

const FACE = ["tests/behaviour/to_web_socket_test.ts"];
const face = mutantsOf("lib/connection/to_web_socket.ts", FACE, [
  [
    "a face is opened before it sends",
    "if (this.#readyState === CONNECTING) {\n      throw",
    "if (false) {\n      throw",
  ],
  ["a face that closes hands nothing on", "if (this.#readyState !== OPEN) return;", ""],
  ["a face has a task for each event", "if (this.#tasks > 0) return this.#queue(dispatch);", ""],
  ["a face that is closed stays so", "if (this.#readyState >= CLOSING) return;", ""],
  ["a face keeps the order behind a Blob", "open && this.#blobs === undefined &&", "open &&"],
  ["a face copies what waits behind a Blob", "ownCopy(message);", "message;"],
  ["a Blob that cannot be read is no secret", "this.#connection.abort(error)", "undefined"],
]);

const faceClose = mutantsOf("lib/protocol/interface_close.ts", FACE, [
  ["a face takes few codes", "closeCode >= 3000 && closeCode <= 4999", "true"],
  ["a face takes no long reason", ".length > MAX_REASON", ".length > 1_000"],
]);

const node = mutantsOf("lib/adapters/node_transport.ts", ["tests/faults/node_transport_test.ts"], [
  ["a write to what has ended is not done", " || !this.#socket.writable", ""],
  ["nor is one that failed", " || error) return;", ") return;"],
]);

/** The guards of connections and servers. */
export const connectionMutants: readonly Mutant[] = [
  ...connection,
  ...ends,
  ...lives,
  ...backpressure,
  ...congestion,
  ...keepalive,
  ...queue,
  ...readers,
  ...streaming,
  ...pings,
  ...accept,
  ...reception,
  ...acceptOptions,
  ...dialling,
  ...clientOpening,
  ...channel,
  ...options,
  ...limits,
  ...closeCode,
  ...server,
  ...serverEnds,
  ...pages,
  ...requestBodies,
  ...answers,
  ...responseBodies,
  ...framing,
  ...hops,
  ...face,
  ...faceClose,
  ...node,
  ...freeing,
];
