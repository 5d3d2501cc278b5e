import { describe, expect, it } from 'vitest';
import { formatDuration, formatLocal, formatRelative, formatUtc } from './time';

const NOW = Date.UTC(2026, 10, 22, 12, 0, 0);
const ago = (seconds: number) => formatRelative(NOW - seconds * 1000, NOW, 'en');

describe('times', () => {
  it('says how long ago something was, in the largest whole unit', () => {
    expect([0, 59, 60, 3599, 7200, 86_400, 40 * 86_400].map(ago)).toEqual([
      'just now',
      'just now',
      '1 minute ago',
      '59 minutes ago',
      '2 hours ago',
      'yesterday',
      'last month',
    ]);
  });

  it('says how soon something will be', () => {
    expect([30, 600, 172_800].map((seconds) => ago(-seconds))).toEqual([
      'in less than a minute',
      'in 10 minutes',
      'in 2 days',
    ]);
  });

  it('writes the exact instant in UTC', () => {
    expect(formatUtc(NOW + 250)).toBe('2026-11-22 12:00:00.250 UTC');
  });

  it('writes the local time as the locale does', () => {
    expect(formatLocal(NOW, 'de', 'Europe/Berlin')).toBe('22.11.2026, 13:00:00 MEZ');
  });

  it('says durations in two units at most', () => {
    expect([0, 59.6, 61, 3725].map(formatDuration)).toEqual(['0 s', '1 min 0 s', '1 min 1 s', '1 h 2 min']);
  });
});
