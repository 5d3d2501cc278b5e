import { expect, it } from 'vitest';
import { parseDuration } from './duration.js';

it.each([
  ['90s', 90_000],
  ['30m', 1_800_000],
  ['2h', 7_200_000],
  ['24d', 2_073_600_000],
])('%s is so many milliseconds: %d', (text, ms) => {
  expect(parseDuration(text)).toBe(ms);
});

it.each(['', '10', 'h', '0s', '-1s', '1.5h', '1w', '25d', '10 s'])('"%s" is no duration', (text) => {
  expect(() => parseDuration(text)).toThrow('It must be a number with s, m, h or d');
});
