/**
 * Histories in Redis: a stream for each channel, and its position beside it.
 *
 * Three keys stand for a channel, with the same hash tag, so that in a cluster they are on one node: a hash with the epoch,
 * the latest offset and the sum of bytes; the stream, with the offset as the id of each entry; and a list with the time
 * and size of each entry, by which old ones are dropped without reading them. All of them expire.
 *
 * @module
 */

import type { BrokerHistory, HistoryPage, KeptPayload } from "../../broker_history.ts";
import { makeEpoch, POSITION_LIVES } from "../../group_log.ts";
import type { HistoryLimits, Position } from "../../history_options.ts";
import type { RedisCommand } from "./link.ts";

/** Begins both scripts: finds the epoch, or begins one, and drops what is over a bound. */
const PRELUDE = `
local meta, stream, sizes = KEYS[1], KEYS[2], KEYS[3]
local messages, maxBytes, age, life = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4]), ARGV[5]
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local epoch = redis.call('HGET', meta, 'epoch')
if not epoch then
  epoch = ARGV[1]
  redis.call('DEL', stream, sizes)
  redis.call('HSET', meta, 'epoch', epoch, 'offset', 0, 'bytes', 0)
end
redis.call('PEXPIRE', meta, life)
local function trim(added)
  local length = redis.call('LLEN', sizes)
  local bytes = length > (added > 0 and 1 or 0) and redis.call('HGET', meta, 'bytes') + added or added
  while length > 0 do
    local published, size = string.match(redis.call('LINDEX', sizes, 0), '(%d+) (%d+)')
    if length <= messages and bytes <= maxBytes and now - published <= age then break end
    redis.call('LPOP', sizes)
    length = length - 1
    bytes = bytes - size
  end
  redis.call('XTRIM', stream, 'MAXLEN', length)
  redis.call('HSET', meta, 'bytes', bytes)
end
`;

/** Appends a payload and publishes it, with its position in front. */
const APPEND = `${PRELUDE}
local payload = ARGV[6]
local offset = string.format('%.0f', redis.call('HINCRBY', meta, 'offset', 1))
redis.call('XADD', stream, offset .. '-0', 't', now, 'm', payload)
redis.call('RPUSH', sizes, now .. ' ' .. #payload)
trim(#payload)
redis.call('PEXPIRE', stream, age)
redis.call('PEXPIRE', sizes, age)
redis.call(ARGV[8], ARGV[7], 'h' .. epoch .. ' ' .. offset .. '\\n' .. payload)
return 1
`;

/** Reads what is behind an offset if the epoch is still the same, else everything. */
const READ = `${PRELUDE}
trim(0)
local start = '-'
if ARGV[6] == epoch then start = string.format('%.0f-0', ARGV[7] + 1) end
local kept = {}
for _, entry in ipairs(redis.call('XRANGE', stream, start, '+')) do
  kept[#kept + 1] = { string.match(entry[1], '^%d+'), now - entry[2][2], entry[2][4] }
end
return { epoch, redis.call('HGET', meta, 'offset'), kept }
`;

/** What a {@linkcode RedisHistory} needs. */
export interface RedisHistoryOptions {
  /** Sends a command to the node that has a channel; the answer has bytes for strings. */
  readonly send: (channel: string, command: RedisCommand) => Promise<unknown>;
  /** Makes of a channel its name at the server. */
  readonly nameOf: (channel: string) => string;
  /** The command that publishes. */
  readonly publish: string;
  /** What the keys begin with. */
  readonly prefix: string;
}

/** Keeps histories in Redis. */
export class RedisHistory implements BrokerHistory {
  readonly #options: RedisHistoryOptions;

  /**
   * Makes a history.
   *
   * @param options Where it is, and how it is reached.
   */
  constructor(options: RedisHistoryOptions) {
    this.#options = options;
  }

  async append(channel: string, payload: Uint8Array, limits: HistoryLimits): Promise<void> {
    const { nameOf, publish } = this.#options;
    await this.#run(APPEND, channel, limits, [payload, nameOf(channel), publish]);
  }

  async read(channel: string, limits: HistoryLimits, after?: Position): Promise<HistoryPage> {
    const { epoch = "", offset = 0 } = after ?? {};
    const answer = await this.#run(READ, channel, limits, [epoch, `${offset}`]);
    const [current, latest, rows] = answer as [Uint8Array, Uint8Array, [Uint8Array, number, Uint8Array][]];
    const kept = rows.map(([offset, age, payload]): KeptPayload => ({
      offset: Number(decode(offset)),
      age: Math.max(0, age),
      payload,
    }));
    return { position: { epoch: decode(current), offset: Number(decode(latest)) }, kept };
  }

  #run(
    script: string,
    channel: string,
    { messages, bytes, age }: HistoryLimits,
    rest: readonly (string | Uint8Array)[],
  ): Promise<unknown> {
    const { send, nameOf, prefix } = this.#options;
    const keys = ["position", "stream", "sizes"].map((kind) => `${prefix}{${channel}}:${kind}`);
    const limits = [messages, bytes, age, age * POSITION_LIVES].map(String);
    // Not by its hash: the first call after a restart would fail, and be overtaken by the next one when it is repeated.
    return send(nameOf(channel), ["EVAL", script, "3", ...keys, makeEpoch(), ...limits, ...rest]);
  }
}

/** The longest that a position in front of a payload may be, in bytes. */
const MAX_POSITION = 64;

/** Takes the position from what was published: `h`, the epoch, a space, the offset and a line feed. */
export function splitPayload(message: Uint8Array): [payload: Uint8Array, position?: Position] {
  if (message[0] !== 0x68) return [message];
  const end = message.subarray(0, MAX_POSITION).indexOf(0x0a);
  const [, epoch, offset] = /^h([\w-]+) (\d{1,15})$/.exec(decode(message.subarray(0, Math.max(0, end)))) ??
    [];
  if (epoch === undefined) return [message];
  return [message.subarray(end + 1), { epoch, offset: Number(offset) }];
}

const decoder = new TextDecoder();

function decode(bytes: Uint8Array): string {
  return decoder.decode(bytes);
}
