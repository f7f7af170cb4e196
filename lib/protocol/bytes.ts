/**
 * What counts as bytes wherever the library takes some.
 *
 * @module
 */

/** A buffer or any view of one: `BufferSource`, which is no global without the DOM's types. */
export type Bytes = ArrayBuffer | ArrayBufferView;

/**
 * Views bytes as a `Uint8Array`, without copying: exactly those that the caller's view shows.
 *
 * @throws {TypeError} If they are neither a buffer nor a view of one.
 */
export function toBytes(data: Bytes): Uint8Array {
  if (data instanceof Uint8Array) return data;
  if (ArrayBuffer.isView(data)) return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  if (data instanceof ArrayBuffer) return new Uint8Array(data);
  throw new TypeError(
    `Cannot take data: it must be a string, an ArrayBuffer or a view of one, not ${describe(data)}`,
  );
}

/** Copies bytes. A `slice` would not do: that of a Node `Buffer` is a view. */
export function copyBytes(data: Bytes): Uint8Array<ArrayBuffer> {
  return new Uint8Array(toBytes(data));
}

function describe(value: unknown): string {
  return value === null ? "null" : typeof value;
}
