import { describe, expect, it } from 'vitest';
import { PieceSizes } from './piece-sizes.js';

const MIB = 1024 * 1024;
const REFUSED = expect.objectContaining({ kind: 'Validation', code: 'MALFORMED_CALL' }) as unknown;

function check(pieces: readonly (readonly [bytes: number, last: boolean])[]): void {
  const sizes = new PieceSizes();
  for (const [bytes, last] of pieces) sizes.check(bytes, last);
}

describe('the pieces of an upload', () => {
  it('are of the lengths that agents send, however slow their link', () => {
    check(Array.from({ length: 4_096 }, () => [16 * 1024, false]));
    check(Array.from({ length: 65_536 }, () => [1, true]));
    check([[MIB, true]]);
  });

  it('are neither empty, be it the last, nor too long, nor short by the hundred', () => {
    for (const last of [true, false]) {
      expect(() => check([[0, last]])).toThrowError(REFUSED);
      expect(() => check([[MIB + 1, last]])).toThrowError(REFUSED);
    }
    check(Array.from({ length: 256 }, () => [1, false]));
    expect(() => check(Array.from({ length: 257 }, () => [16 * 1024 - 1, false]))).toThrowError(REFUSED);
  });
});
