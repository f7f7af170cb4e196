/**
 * The chat room: `/chat`.
 *
 * Whatever is said goes through the group, also to this process itself, which writes it down and has a robot. With a
 * broker behind the groups that is all that it takes for several processes to be one room.
 *
 * The group keeps a history: in this process, or at the broker. A page that comes in gets all of it, one that comes back
 * gets what it has missed. The file is for what outlives that: a history that is empty begins with what the file has.
 *
 * @module
 */

import process from "node:process";
import type { WebSocketConnection } from "../../lib/adapters/node.ts";
import type { Groups, GroupsStatus, HistoryOptions, Position } from "../../lib/groups/mod.ts";
import type { OpenGroups } from "./broker.ts";
import { Deliveries } from "./deliveries.ts";
import type { Feature } from "./feature.ts";
import { type Fields, parseObject, readObjects, textOf } from "./json.ts";
import { listen } from "./listener.ts";
import { addressOf, type Holder, holdersIn, Names, ownerOf, visibleName } from "./names.ts";
import { answer, isForRobot, ROBOT } from "./robot.ts";
import type { ChatMessage, Store } from "./store.ts";

/** The group of everyone in the room. */
const ROOM = "chat";

/** The group of the processes that serve the room. */
const SERVERS = "chat servers";

/** The group of the nicknames that were given out. */
const NICKNAMES = "chat nicknames";

/** How much of what was said the group keeps: a week of it at most. Each message says where it stands. */
const HISTORY: HistoryOptions = {
  messages: 300,
  age: 7 * 24 * 60 * 60 * 1_000,
  wrap: (data, position) => JSON.stringify({ ...parseObject(data), position }),
};

/** How long names and messages may be, in characters. */
const MAX_NAME = 24;
const MAX_TEXT = 1_000;

/** What a page's old connection is closed with when it is here over a new one. */
const MOVED = { closeCode: 4000, reason: "Here from another connection" };

/** How long the robot thinks, in milliseconds. */
const THINKING = 350;

/** How often the list of people is looked at, in milliseconds: that of a process that died tells nobody. */
const REFRESH = 5_000;

/** Where the robot of each process is found: no owner has this number. */
const ROBOT_HOLDER: Holder = { name: ROBOT, owner: ROBOT };

/** What pages are told about the broker. */
const BROKER_AWAY = { type: "broker", away: true };
const BROKER_BACK = { type: "broker", away: false };

/** Somebody in the room. */
interface Person extends Holder {
  readonly socket: WebSocketConnection;
}

/**
 * Opens the room.
 *
 * @param open The groups, of one process or of many.
 * @param store Where what was said outlives the process.
 */
export async function chat(open: OpenGroups, store: Store): Promise<Feature> {
  const room = new Room(open, store);
  await room.open();
  return {
    doors: { "/chat": () => (socket) => room.welcome(socket) },
    close: () => room.close(),
  };
}

class Room {
  /** The groups of what need not be kept. */
  readonly #groups: Groups;
  /** The groups with a history: who is in the room, and what is said there. */
  readonly #talk: Groups;
  readonly #names: Names;
  readonly #store: Store;
  /** What was said by way of this process, and nobody has got yet. */
  readonly #deliveries = new Deliveries();
  /** Who is here, in this process. */
  readonly #people = new Map<string, Person>();
  /** Which process this is. */
  readonly #id = crypto.randomUUID();
  #away = false;
  #refresh: ReturnType<typeof setInterval> | undefined;

  constructor({ groups, settle, make }: OpenGroups, store: Store) {
    this.#groups = groups;
    this.#talk = make("chat", {
      history: HISTORY,
      slowConsumer: "close", // it comes back, and gets what it has missed
      onStatus: (status) => this.#tellStatus(status),
    });
    this.#names = new Names(groups, NICKNAMES, settle);
    this.#store = store;
  }

  async open(): Promise<void> {
    const hear = (fields: Fields) => this.#hear(fields);
    const { position } = await listen(this.#talk, ROOM, hear, { since: "oldest" });
    if (position === undefined) return refuseBroker();
    await listen(this.#talk, ROOM, (fields) => this.#askRobot(fields), {
      as: addressOf(ROOM, ROBOT_HOLDER),
    });
    if (position.offset === 0) this.#publishStored();
    await listen(this.#groups, SERVERS, (fields) => this.#compare(fields));
    this.#refresh = setInterval(() => this.#tellPeople(), REFRESH);
  }

  close(): void {
    clearInterval(this.#refresh);
    this.#deliveries.close();
  }

  /** Talks to a page: first of all it has to say a name. */
  async welcome(socket: WebSocketConnection): Promise<void> {
    let person: Person | undefined;
    try {
      for await (const fields of readObjects(socket)) {
        if (person !== undefined) await this.#say(person, fields);
        else person = await this.#enter(socket, fields);
      }
    } finally {
      if (person !== undefined) this.#leave(person);
    }
  }

  async #enter(socket: WebSocketConnection, fields: Fields): Promise<Person | undefined> {
    const name = visibleName(textOf(fields, "name", MAX_NAME));
    const person = { name, owner: ownerOf(textOf(fields, "key", 64)), socket };
    const refuse = (why: string) => void send(socket, { type: "refused", why });
    if (name === "") return refuse("A nickname needs at least one character.");
    if (name.toLowerCase() === ROBOT || !await this.#names.take(person, socket)) {
      return refuse(`Somebody called ${name} is here already.`);
    }
    const before = this.#people.get(name);
    this.#people.set(name, person);
    // The same page, over a new connection, before anyone has noticed that the old one is dead.
    before?.socket.close(MOVED);
    this.#groups.publish(SERVERS, JSON.stringify({ type: "moved", name, from: this.#id }));
    send(socket, { type: "welcome", name });
    if (this.#away) send(socket, BROKER_AWAY);
    const since = positionIn(fields) ?? "oldest";
    const joined = this.#talk.join(ROOM, socket, { as: addressOf(ROOM, person), since });
    if (before === undefined) this.#notice(`${name} joined`);
    joined.then(({ recovered, missed }) => {
      // What JSON leaves out nobody knows.
      if (since !== "oldest") send(socket, { type: "back", recovered, missed });
      this.#announceChange();
    });
    return person;
  }

  #leave({ name, socket }: Person): void {
    if (this.#people.get(name)?.socket !== socket) return; // a new connection has the name
    this.#people.delete(name);
    this.#talk.leave(ROOM, socket);
    this.#groups.leave(NICKNAMES, socket);
    this.#notice(`${name} left`);
    this.#announceChange();
  }

  /** Passes on what a page says: to all, or to one. */
  async #say({ name, socket }: Person, fields: Fields): Promise<void> {
    const text = textOf(fields, "text", MAX_TEXT);
    if (text === "") return;
    if (!/^\/to\s/.test(text)) return this.#sayToAll(name, text, socket);
    const direct = text.replace(/^\/to\s+/, "");
    const names = await this.#listNames();
    // Names may have spaces in them: the longest that fits.
    const to = names.filter((one) => direct.startsWith(`${one} `)).sort((a, b) => b.length - a.length)[0];
    if (to === undefined) return send(socket, { type: "unknown", text: "Nobody here has that name." });
    await this.#sendDirect(name, to, direct.slice(to.length).trim());
  }

  #sayToAll(name: string, text: string, socket: WebSocketConnection): void {
    // Whoever is here could hear it, and the others never would: it is all or nobody.
    if (this.#away) return send(socket, { type: "unsent", text });
    const id = crypto.randomUUID();
    this.#deliveries.expect(id, () => send(socket, { type: "unsure", text }));
    this.#publish(id, name, text);
  }

  #publish(id: string, author: string, text: string): void {
    this.#tell({ type: "message", id, at: Date.now(), author, text, via: this.#id });
  }

  async #sendDirect(from: string, to: string, text: string): Promise<void> {
    const message = JSON.stringify({ type: "direct", at: Date.now(), from, to, text, via: this.#id });
    const holders = await holdersIn(this.#talk, ROOM);
    for (const name of new Set([to, from])) {
      const [holder, other] = holders.filter((one) => one.name === name);
      // Two have one name only if the broker was away meanwhile: then nobody can tell who is meant.
      if (holder !== undefined && other === undefined) this.#talk.sendTo(addressOf(ROOM, holder), message);
    }
  }

  #notice(text: string): void {
    this.#tell({ type: "notice", at: Date.now(), text });
  }

  #tell(message: Fields): void {
    this.#talk.publish(ROOM, JSON.stringify(message));
  }

  /** Begins an empty history with what was said before this process started. */
  #publishStored(): void {
    for (const message of this.#store.messages()) this.#tell({ type: "message", ...message });
  }

  /** Takes note of what is said in the room, here or in another process. */
  #hear(fields: Fields): void {
    if (fields.type !== "message") return;
    const message = readMessage(fields);
    this.#deliveries.came(message.id);
    this.#store.addMessage(message);
  }

  /** Lets the robot answer what was said through this process: the others have their own. */
  #askRobot({ type, via, author, from, text }: Fields): void {
    if (via !== this.#id || typeof text !== "string" || author === ROBOT || from === ROBOT) return;
    if (type === "message" && !isForRobot(text)) return;
    const name = String(type === "direct" ? from : author);
    setTimeout(async () => {
      const words = answer({ text, name, people: await this.#listNames() });
      if (type === "direct") await this.#sendDirect(ROBOT, name, words);
      else this.#publish(crypto.randomUUID(), ROBOT, words);
    }, THINKING);
  }

  /** Hears who has come, gone and moved in other processes. */
  #compare(fields: Fields): void {
    if (fields.type === "people") this.#tellPeople();
    // The owner is here by another process: nobody else would have got the name.
    if (fields.type === "moved" && fields.from !== this.#id) {
      this.#people.get(String(fields.name))?.socket.close(MOVED);
    }
  }

  #tellStatus({ state }: GroupsStatus): void {
    if (state === "connected") return;
    this.#away = state === "interrupted";
    const words = JSON.stringify(this.#away ? BROKER_AWAY : BROKER_BACK);
    for (const { socket } of this.#people.values()) socket.send(words).catch(() => {});
    if (this.#away) this.#deliveries.giveUp();
  }

  #announceChange(): void {
    this.#groups.publish(SERVERS, JSON.stringify({ type: "people", from: this.#id }));
  }

  async #listNames(): Promise<string[]> {
    return [...new Set((await holdersIn(this.#talk, ROOM)).map(({ name }) => name))].sort();
  }

  /** Tells the pages of this process who is here. */
  async #tellPeople(): Promise<void> {
    const people = JSON.stringify({ type: "people", names: await this.#listNames() });
    for (const { socket } of this.#people.values()) socket.send(people).catch(() => {});
  }
}

function send(socket: WebSocketConnection, message: unknown): void {
  socket.send(JSON.stringify(message)).catch(() => {}); // the loop over its messages ends then
}

function readMessage(fields: Fields): ChatMessage {
  const { id, at, author, text } = fields;
  return { id: String(id), at: Number(at), author: String(author), text: String(text) };
}

/** Reads where a page has been before; `undefined` if that is no position, whatever it is. */
function positionIn({ since }: Fields): Position | undefined {
  if (typeof since !== "object" || since === null) return undefined;
  const { epoch, offset } = since as Fields;
  if (typeof epoch !== "string" || !Number.isSafeInteger(offset) || Number(offset) < 0) return undefined;
  return { epoch, offset: Number(offset) };
}

/** Ends the process: without a history there is no room. */
function refuseBroker(): never {
  console.error(
    "Cannot keep the chat's history at the broker. NATS needs JetStream for that (nats-server -js), Redis version 5.",
  );
  process.exit(1);
}
