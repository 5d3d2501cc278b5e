/** What came from another thread: buffers arrive as plain arrays, at any depth of plain objects and lists, and are Buffers again. */
export function withBuffers<T>(value: T): T {
  return own(value) as T;
}

/** What changes hands with a buffer: a large one has memory of its own, a small one lies in memory that others share. */
export function ownMemory({ buffer, length }: Buffer): ArrayBuffer[] {
  return buffer instanceof ArrayBuffer && buffer.byteLength === length ? [buffer] : [];
}

function own(value: unknown): unknown {
  if (value instanceof Uint8Array) return Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  if (Array.isArray(value)) return value.map(own);
  if (value === null || typeof value !== 'object' || Object.getPrototypeOf(value) !== Object.prototype) return value;
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, own(each)]));
}
