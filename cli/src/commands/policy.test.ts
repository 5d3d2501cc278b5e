import { describe, expect, it } from 'vitest';
import { scheduleFrom } from './policy.js';

const common = { timeZone: 'UTC', jitter: 0, type: 'FULL' as const };

describe('a weekly policy', () => {
  const weekly = { ...common, weekly: ['MONDAY' as const] };

  it('runs at the time that was given, and at none that was not', () => {
    expect(scheduleFrom({ ...weekly, at: '18:30' })).toMatchObject({ weekdays: ['MONDAY'], at: '18:30' });
    expect(() => scheduleFrom(weekly)).toThrowError('--weekly says on which days; say at what time with --at HH:MM');
  });
});

describe('the minute of an hourly policy', () => {
  it.each([
    ['5', '00:05'],
    ['30', '00:30'],
    ['00:30', '00:30'],
    [undefined, '00:00'],
  ])('given as %s is %s', (at, expected) => {
    expect(scheduleFrom({ ...common, everyHours: 2, ...(at !== undefined && { at }) })).toMatchObject({
      frequency: 'HOURLY',
      everyHours: 2,
      at: expected,
    });
  });
});
