/**
 * What outlives the process: what was said in the chat, who logged in to vote, and the votes, in a file of SQLite.
 *
 * @module
 */

import { chmodSync, mkdirSync, mkdtempSync } from "node:fs";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";

/** How many messages are kept. */
const KEPT = 200;

/** How many people are remembered who logged in; the earliest are forgotten. */
const MAX_SESSIONS = 10_000;

/** How many votes are taken. */
const MAX_VOTES = 10_000;

/** Something that was said to all. */
export interface ChatMessage {
  readonly id: string;
  /** When, in milliseconds since 1970. */
  readonly at: number;
  readonly author: string;
  readonly text: string;
}

/** A vote: whose, and for what. */
export interface Vote {
  readonly voter: string;
  readonly choice: string;
}

/** Who logged in; the voter's number is public, the session's is not. */
export interface Session {
  readonly voter: string;
  readonly name: string;
}

/** The tables. */
export class Store {
  readonly #database: DatabaseSync;

  /** Opens a file, which is made if it is not there. */
  constructor(path: string) {
    this.#database = new DatabaseSync(path);
    this.#database.exec(`
      PRAGMA journal_mode = WAL;
      PRAGMA synchronous = NORMAL;
      PRAGMA busy_timeout = 2000;
      CREATE TABLE IF NOT EXISTS messages (id TEXT PRIMARY KEY, at REAL, author TEXT, text TEXT);
      CREATE TABLE IF NOT EXISTS sessions (id TEXT PRIMARY KEY, voter TEXT, name TEXT);
      CREATE TABLE IF NOT EXISTS votes (voter TEXT PRIMARY KEY, choice TEXT);
      CREATE TABLE IF NOT EXISTS tallies (choice TEXT PRIMARY KEY, votes INTEGER);
      INSERT OR REPLACE INTO tallies SELECT choice, COUNT(*) FROM votes GROUP BY choice;
      CREATE TRIGGER IF NOT EXISTS count_vote AFTER INSERT ON votes BEGIN
        INSERT INTO tallies VALUES (NEW.choice, 1) ON CONFLICT (choice) DO UPDATE SET votes = votes + 1;
      END;
    `);
  }

  /** Keeps a message, once, and forgets the oldest. */
  addMessage({ id, at, author, text }: ChatMessage): void {
    this.#run("INSERT OR IGNORE INTO messages VALUES (?, ?, ?, ?)", id, at, author, text);
    this.#run("DELETE FROM messages WHERE rowid <= (SELECT MAX(rowid) FROM messages) - ?", KEPT);
  }

  /** The messages, in the order in which they came. */
  messages(): ChatMessage[] {
    return this.#all("SELECT id, at, author, text FROM messages ORDER BY rowid") as ChatMessage[];
  }

  /** Keeps who logged in, and forgets the earliest. */
  addSession(id: string, { voter, name }: Session): void {
    this.#run("INSERT INTO sessions VALUES (?, ?, ?)", id, voter, name);
    this.#run("DELETE FROM sessions WHERE rowid <= (SELECT MAX(rowid) FROM sessions) - ?", MAX_SESSIONS);
  }

  /** Finds who logged in; `undefined` if nobody did. */
  session(id: string): Session | undefined {
    return this.#all("SELECT voter, name FROM sessions WHERE id = ?", id)[0] as Session | undefined;
  }

  /** Counts a vote, unless the voter has one or no more are taken. Returns whether it did. */
  addVote({ voter, choice }: Vote): boolean {
    return this.#run(
      "INSERT OR IGNORE INTO votes SELECT ?, ? WHERE (SELECT COALESCE(SUM(votes), 0) FROM tallies) < ?",
      voter,
      choice,
      MAX_VOTES,
    ) > 0;
  }

  /** What somebody has voted for; `undefined` if for nothing. */
  choiceOf(voter: string): string | undefined {
    const [vote] = this.#all("SELECT choice FROM votes WHERE voter = ?", voter) as { choice: string }[];
    return vote?.choice;
  }

  /** How many votes each choice has; one without any is left out. */
  tallies(): Map<string, number> {
    const rows = this.#all("SELECT choice, votes FROM tallies") as { choice: string; votes: number }[];
    return new Map(rows.map(({ choice, votes }) => [choice, votes]));
  }

  /** All votes. */
  votes(): Vote[] {
    return this.#all("SELECT voter, choice FROM votes") as unknown[] as Vote[];
  }

  /** Closes the file. */
  close(): void {
    this.#database.close();
  }

  #run(sql: string, ...values: (string | number)[]): number {
    return Number(this.#database.prepare(sql).run(...values).changes);
  }

  #all(sql: string, ...values: (string | number)[]): unknown[] {
    return this.#database.prepare(sql).all(...values);
  }
}

/**
 * Finds a file for those who give none: the same one for a port each time, so that the history survives a restart.
 *
 * @param port The port that was asked for; for 0, which is another one each time, so is the file.
 */
export function defaultPath(port: number): string {
  if (port === 0) return join(mkdtempSync(join(tmpdir(), "sluice-demo-")), "history.sqlite");
  const folder = join(tmpdir(), `sluice-demo-${userInfo().username}`);
  mkdirSync(folder, { recursive: true });
  chmodSync(folder, 0o700); // fails if the folder is somebody else's, who could read along
  return join(folder, `history-${port}.sqlite`);
}
