/**
 * How loads are written: connections x in flight x bytes, as in `64x16x64`.
 *
 * @module
 */

/** A load without its content. */
export interface LoadShape {
  readonly connections: number;
  readonly flight: number;
  readonly size: number;
}

/** Reads a load. Throws `RangeError` at anything else. */
export function parseLoad(text: string): LoadShape {
  const [connections = NaN, flight = NaN, size = NaN, ...rest] = text.split("x").map(Number);
  if (!(connections >= 1 && flight >= 1 && size >= 1) || rest.length > 0) {
    throw new RangeError(`Cannot read the load ${text}: it is like 64x16x64`);
  }
  return { connections, flight, size };
}

/** Writes a size as people do: `64 B`, `1 KiB`, `16 MiB`. */
export function formatSize(size: number): string {
  if (size < 1_024) return `${size} B`;
  return size < 1_048_576 ? `${size / 1_024} KiB` : `${size / 1_048_576} MiB`;
}

/** Writes a load: `64 x 16 x 64 B`. */
export function formatLoad({ connections, flight, size }: LoadShape): string {
  return `${connections} x ${flight} x ${formatSize(size)}`;
}
