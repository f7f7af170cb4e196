/**
 * The chat room: `/chat`.
 *
 * Whatever is said goes through the group, also to this process itself, which writes it down and has a robot. With a
 * broker behind the groups that is all that it takes for several processes to be one room.
 *
 * @module
 */

import type { WebSocketConnection } from "../../lib/adapters/node.ts";
import type { Groups } from "../../lib/groups/mod.ts";
import type { OpenGroups } from "./broker.ts";
import type { Feature } from "./feature.ts";
import { type Fields, objectsOf, readObjects, textOf } from "./json.ts";
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

/** Somebody in the room. */
interface Person extends Holder {
  readonly socket: WebSocketConnection;
}

/**
 * Opens the room.
 *
 * @param open The groups, of one process or of many.
 * @param store Where the history is.
 */
export async function chat({ groups, settle }: OpenGroups, store: Store): Promise<Feature> {
  const room = new Room(groups, new Names(groups, NICKNAMES, settle), store);
  await room.open();
  return {
    doors: { "/chat": () => (socket) => room.welcome(socket) },
    close: () => room.close(),
  };
}

class Room {
  readonly #groups: Groups;
  readonly #names: Names;
  readonly #store: Store;
  /** Who is here, in this process. */
  readonly #people = new Map<string, Person>();
  /** Which process this is. */
  readonly #id = crypto.randomUUID();
  #refresh: ReturnType<typeof setInterval> | undefined;

  constructor(groups: Groups, names: Names, store: Store) {
    this.#groups = groups;
    this.#names = names;
    this.#store = store;
  }

  async open(): Promise<void> {
    await listen(this.#groups, ROOM, (fields) => this.#hear(fields));
    await listen(this.#groups, ROOM, (fields) => this.#askRobot(fields), {
      as: addressOf(ROOM, ROBOT_HOLDER),
    });
    await listen(this.#groups, SERVERS, (fields) => this.#compare(fields));
    this.#groups.publish(SERVERS, JSON.stringify({ type: "hello", from: this.#id }));
    this.#refresh = setInterval(() => this.#tellPeople(), REFRESH);
  }

  close(): void {
    clearInterval(this.#refresh);
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
    send(socket, { type: "welcome", name, history: this.#store.messages() });
    const joined = this.#groups.join(ROOM, socket, { as: addressOf(ROOM, person) });
    if (before === undefined) this.#notice(`${name} joined`);
    joined.then(() => this.#announceChange());
    return person;
  }

  #leave({ name, socket }: Person): void {
    if (this.#people.get(name)?.socket !== socket) return; // a new connection has the name
    this.#people.delete(name);
    this.#groups.leave(ROOM, socket);
    this.#groups.leave(NICKNAMES, socket);
    this.#notice(`${name} left`);
    this.#announceChange();
  }

  /** Passes on what a page says: to all, or to one. */
  async #say({ name, socket }: Person, fields: Fields): Promise<void> {
    const text = textOf(fields, "text", MAX_TEXT);
    if (text === "") return;
    if (!/^\/to\s/.test(text)) return this.#publish(name, text);
    const direct = text.replace(/^\/to\s+/, "");
    const names = await this.#listNames();
    // Names may have spaces in them: the longest that fits.
    const to = names.filter((one) => direct.startsWith(`${one} `)).sort((a, b) => b.length - a.length)[0];
    if (to === undefined) return send(socket, { type: "unknown", text: "Nobody here has that name." });
    await this.#sendDirect(name, to, direct.slice(to.length).trim());
  }

  #publish(author: string, text: string): void {
    const message = { id: crypto.randomUUID(), at: Date.now(), author, text };
    this.#groups.publish(ROOM, JSON.stringify({ type: "message", ...message, via: this.#id }));
  }

  async #sendDirect(from: string, to: string, text: string): Promise<void> {
    const message = JSON.stringify({ type: "direct", at: Date.now(), from, to, text, via: this.#id });
    const holders = await holdersIn(this.#groups, ROOM);
    for (const name of new Set([to, from])) {
      const [holder, other] = holders.filter((one) => one.name === name);
      // Two have one name only if the broker was away meanwhile: then nobody can tell who is meant.
      if (holder !== undefined && other === undefined) this.#groups.sendTo(addressOf(ROOM, holder), message);
    }
  }

  #notice(text: string): void {
    this.#groups.publish(ROOM, JSON.stringify({ type: "notice", at: Date.now(), text }));
  }

  /** Takes note of what is said in the room, here or in another process. */
  #hear(fields: Fields): void {
    if (fields.type === "message") this.#store.addMessage(readMessage(fields));
  }

  /** Lets the robot answer what was said through this process: the others have their own. */
  #askRobot({ type, via, author, from, text }: Fields): void {
    if (via !== this.#id || typeof text !== "string" || author === ROBOT || from === ROBOT) return;
    if (type === "message" && !isForRobot(text)) return;
    const name = String(type === "direct" ? from : author);
    setTimeout(async () => {
      const words = answer({ text, name, people: await this.#listNames() });
      if (type === "direct") await this.#sendDirect(ROBOT, name, words);
      else this.#publish(ROBOT, words);
    }, THINKING);
  }

  /** Talks to the other processes: a new one gets what it has missed, and all hear who came and went. */
  #compare(fields: Fields): void {
    if (fields.from === this.#id && fields.type !== "people") return;
    if (fields.type === "people") this.#tellPeople();
    // The owner is here by another process: nobody else would have got the name.
    if (fields.type === "moved") this.#people.get(String(fields.name))?.socket.close(MOVED);
    if (fields.type === "history") {
      for (const message of objectsOf(fields, "messages")) this.#store.addMessage(readMessage(message));
    }
    if (fields.type === "hello") {
      const history = { type: "history", from: this.#id, messages: this.#store.messages() };
      this.#groups.publish(SERVERS, JSON.stringify(history));
    }
  }

  #announceChange(): void {
    this.#groups.publish(SERVERS, JSON.stringify({ type: "people", from: this.#id }));
  }

  async #listNames(): Promise<string[]> {
    return [...new Set((await holdersIn(this.#groups, ROOM)).map(({ name }) => name))].sort();
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
