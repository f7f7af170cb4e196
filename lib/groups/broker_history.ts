/**
 * What a broker does that keeps the latest messages of a channel.
 *
 * @module
 */

import { GroupLog, makeEpoch, POSITION_LIVES } from "./group_log.ts";
import type { HistoryLimits, Position } from "./history_options.ts";

/** A payload that is kept. */
export interface KeptPayload {
  /** Its number in the channel. */
  readonly offset: number;
  /** The payload. */
  readonly payload: Uint8Array;
  /** How long ago it was appended, in milliseconds. */
  readonly age: number;
}

/** What a broker has kept of a channel. */
export interface HistoryPage {
  /** Where the channel stands. */
  readonly position: Position;
  /** The payloads up to there, without a gap; some at the beginning may be gone. */
  readonly kept: readonly KeptPayload[];
}

/**
 * Keeps the latest payloads of channels. All processes see the same, and number payloads alike: from 1 on, each one more
 * than the one before; an epoch names the run, and another one begins when what was kept is lost.
 */
export interface BrokerHistory {
  /**
   * Appends a payload, and publishes it with its position: both or neither, and in the order of the log.
   *
   * @param channel As for `publish`.
   * @param payload The broker's from now on.
   * @param limits What is to be kept at most.
   * @returns Resolves when it is done, rejects if it is not or nobody knows.
   */
  append(channel: string, payload: Uint8Array, limits: HistoryLimits): Promise<void>;
  /**
   * Reads what is kept.
   *
   * @param channel Which one.
   * @param limits As for `append`.
   * @param after Leaves out what is up to there; if it is of another epoch, nothing.
   */
  read(channel: string, limits: HistoryLimits, after?: Position): Promise<HistoryPage>;
}

/** Keeps payloads in this process. */
export class MemoryHistory {
  readonly #logs = new Map<string, GroupLog<Uint8Array>>();

  /** Appends a payload; returns where it stands. */
  append(channel: string, payload: Uint8Array, limits: HistoryLimits): Position {
    const now = performance.now();
    const log = this.#logOf(channel, limits, now);
    log.append(payload, payload.length, now);
    return log.position;
  }

  /** Reads what is kept of a channel. */
  read(channel: string, limits: HistoryLimits, after?: Position): HistoryPage {
    const now = performance.now();
    const log = this.#logOf(channel, limits, now);
    log.trim(now);
    const kept: KeptPayload[] = [];
    const from = after?.epoch === log.epoch ? Math.max(after.offset + 1, log.first) : log.first;
    for (let offset = from; offset <= log.last; offset++) {
      const { value, time } = log.at(offset)!;
      kept.push({ offset, payload: value, age: now - time });
    }
    return { position: log.position, kept };
  }

  #logOf(channel: string, limits: HistoryLimits, now: number): GroupLog<Uint8Array> {
    const found = this.#logs.get(channel);
    if (found !== undefined && now - found.changed <= limits.age * POSITION_LIVES) return found;
    const log = new GroupLog<Uint8Array>({ epoch: makeEpoch(), offset: 0 }, limits, now);
    this.#logs.set(channel, log);
    return log;
  }
}
