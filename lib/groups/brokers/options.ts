/**
 * What the brokers' options must be.
 *
 * @module
 */

/**
 * Checks how long an entry lives: not so briefly that keeping it alive is all there is to do.
 *
 * @throws {RangeError} If it is not between 100 ms and a day.
 */
export function checkTtl(name: string, ttl: unknown): void {
  if (typeof ttl === "number" && ttl >= 100 && ttl <= 86_400_000) return;
  throw new RangeError(
    `Cannot make broker: ${name} must be between 100 and 86400000 milliseconds, not ${ttl}`,
  );
}
