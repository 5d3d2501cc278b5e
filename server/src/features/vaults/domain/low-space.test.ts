import { expect, it } from 'vitest';
import { isLow } from './low-space.js';

const GIB = 1024n ** 3n;

it.each([
  [GIB, 10n * GIB, false],
  [GIB - 1n, 10n * GIB, true],
  [20n * GIB, 200n * GIB, false],
  [20n * GIB - 1n, 200n * GIB, true],
  [20n * GIB, 2n ** 60n, false],
  [20n * GIB - 1n, 2n ** 60n, true],
  [0n, 5n, false],
  [0n, 4n * GIB, true],
])('%s bytes of %s are low: %s', (free, total, low) => {
  expect(isLow({ free, total })).toBe(low);
});
