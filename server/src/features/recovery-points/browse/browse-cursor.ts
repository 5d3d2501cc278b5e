import { HoldfastError } from '@holdfast/core/errors';

const LONGEST_NAME_BYTES = 1_024;

/** The name that a page ended with: names do not change under a point, so it is a place for ever. */
export function encodeBrowseCursor(name: Uint8Array): string {
  return Buffer.from(name).toString('base64url');
}

/** Throws Validation on anything that `encodeBrowseCursor` cannot have made. */
export function decodeBrowseCursor(cursor: string): Buffer {
  const name = cursor.length > 2 * LONGEST_NAME_BYTES ? Buffer.alloc(0) : Buffer.from(cursor, 'base64url');
  if (name.length === 0 || name.length > LONGEST_NAME_BYTES || encodeBrowseCursor(name) !== cursor) {
    throw new HoldfastError({
      kind: 'Validation',
      code: 'MALFORMED_CURSOR',
      message: 'This is not a cursor that this server gave out.',
    });
  }
  return name;
}
