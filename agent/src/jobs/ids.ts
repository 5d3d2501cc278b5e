const ID_BYTES = 32;

/** Concatenated 32-byte ids as views, one each. */
export function splitIds(ids: Buffer): Buffer[] {
  return Array.from({ length: Math.floor(ids.length / ID_BYTES) }, (_, index) =>
    ids.subarray(index * ID_BYTES, (index + 1) * ID_BYTES),
  );
}

/** An id as a key of a Map or Set. */
export function idKey(id: Uint8Array): string {
  return Buffer.from(id.buffer, id.byteOffset, id.byteLength).toString('latin1');
}
