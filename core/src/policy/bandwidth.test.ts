import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type BandwidthLimits,
  type BandwidthWindow,
  bandwidthAt,
  checkBandwidthLimits,
  type TimeOfDay,
  type Weekday,
} from './index.js';

const at = (text: string) => Date.parse(text);
const show = (ms: number) => (Number.isFinite(ms) ? new Date(ms).toISOString().replace(':00.000Z', 'Z') : 'never');
const time = (text: string): TimeOfDay => {
  const [hour, minute] = text.split(':').map(Number) as [number, number];
  return { hour, minute };
};
const WORKDAYS: readonly Weekday[] = [1, 2, 3, 4, 5];
const ALL_DAYS: readonly Weekday[] = [1, 2, 3, 4, 5, 6, 7];

function during(
  weekdays: readonly Weekday[],
  span: string,
  upload: number | undefined,
  timeZone = 'UTC',
): BandwidthWindow {
  const [from, to] = span.split('-') as [string, string];
  const limit = upload === undefined ? {} : { uploadBytesPerSecond: upload };
  return { weekdays, from: time(from), to: time(to), timeZone, ...limit };
}

const limits = (upload: number | undefined, ...windows: BandwidthWindow[]): BandwidthLimits => ({
  ...(upload === undefined ? {} : { uploadBytesPerSecond: upload }),
  windows,
});

describe('the bandwidth at a moment, and how long it holds', () => {
  const work = during(WORKDAYS, '08:00-18:00', 2, 'Europe/Berlin');
  const night = during([5], '22:00-06:00', undefined, 'UTC');
  it.each<[string, BandwidthLimits, string, number | undefined, string]>([
    ['is without limit when there is none', limits(undefined), '2026-11-24T12:00Z', undefined, 'never'],
    ['is the one limit when there are no windows', limits(9), '2026-11-24T12:00Z', 9, 'never'],
    ['is the other limit before work', limits(9, work), '2026-11-24T06:59Z', 9, '2026-11-24T07:00Z'],
    ['is the window from its first moment on', limits(9, work), '2026-11-24T07:00Z', 2, '2026-11-24T17:00Z'],
    ['is the other limit from its last moment on', limits(9, work), '2026-11-24T17:00Z', 9, '2026-11-25T07:00Z'],
    ['leaves the weekend out', limits(9, work), '2026-11-27T17:00Z', 9, '2026-11-30T07:00Z'],
    ['follows summer time', limits(9, work), '2026-07-01T06:00Z', 2, '2026-07-01T16:00Z'],
    ['may be higher inside than outside', limits(3, night), '2026-11-27T22:00Z', undefined, '2026-11-28T06:00Z'],
    ['reaches over midnight', limits(3, night), '2026-11-28T05:59Z', undefined, '2026-11-28T06:00Z'],
    ['begins on its own days only', limits(3, night), '2026-11-28T22:00Z', 3, '2026-12-04T22:00Z'],
    [
      'is the lower one where windows overlap',
      limits(9, during([2], '08:00-12:00', 5), during([2], '10:00-11:00', 4)),
      '2026-11-24T10:30Z',
      4,
      '2026-11-24T11:00Z',
    ],
    [
      'is a limit where it overlaps with none',
      limits(9, during([2], '08:00-12:00', 5), during([2], '10:00-11:00', undefined)),
      '2026-11-24T10:30Z',
      5,
      '2026-11-24T11:00Z',
    ],
    [
      'covers a day whole from midnight to midnight',
      limits(9, during([2], '00:00-00:00', 5)),
      '2026-11-24T23:59Z',
      5,
      '2026-11-25T00:00Z',
    ],
    [
      'covers 24 hours from any time to the same',
      limits(9, during([2], '06:00-06:00', 5)),
      '2026-11-25T05:59Z',
      5,
      '2026-11-25T06:00Z',
    ],
    [
      'is found where it is another day',
      limits(9, during([1], '00:30-02:00', 5, 'Pacific/Auckland')),
      '2026-06-07T12:30Z',
      5,
      '2026-06-07T14:00Z',
    ],
    [
      'starts where the spring ends its gap',
      limits(9, during([7], '02:30-04:00', 5, 'Europe/Berlin')),
      '2026-03-29T00:59Z',
      9,
      '2026-03-29T01:00Z',
    ],
    [
      'ends where the spring ends its gap',
      limits(9, during([7], '01:00-02:30', 5, 'Europe/Berlin')),
      '2026-03-29T00:30Z',
      5,
      '2026-03-29T01:00Z',
    ],
    [
      'is left out where it lies in a gap',
      limits(9, during([7], '02:15-02:45', 5, 'Europe/Berlin')),
      '2026-03-29T01:00Z',
      9,
      '2026-04-05T00:15Z',
    ],
    [
      'starts the first time that the autumn shows',
      limits(9, during([7], '02:30-04:00', 5, 'Europe/Berlin')),
      '2026-10-25T00:30Z',
      5,
      '2026-10-25T03:00Z',
    ],
    [
      'ends the last time that the autumn shows',
      limits(9, during([7], '01:00-02:30', 5, 'Europe/Berlin')),
      '2026-10-25T01:00Z',
      5,
      '2026-10-25T01:30Z',
    ],
    [
      'ends with the date before one that was left out',
      limits(9, during([4], '22:00-06:00', 5, 'Pacific/Apia')),
      '2011-12-30T09:00Z',
      5,
      '2011-12-30T10:00Z',
    ],
  ])('%s', (_, given, moment, upload, until) => {
    const { limit, untilMs } = bandwidthAt(given, at(moment));
    expect([limit.uploadBytesPerSecond, show(untilMs)]).toEqual([upload, until]);
  });

  it('limits each way by itself', () => {
    const given: BandwidthLimits = {
      downloadBytesPerSecond: 7,
      windows: [
        { ...during(ALL_DAYS, '00:00-00:00', 5) },
        { ...during([2], '08:00-09:00', 6), downloadBytesPerSecond: 8 },
      ],
    };
    expect(bandwidthAt(given, at('2026-11-24T08:30Z')).limit).toEqual({
      uploadBytesPerSecond: 5,
      downloadBytesPerSecond: 8,
    });
    expect(bandwidthAt(given, at('2026-11-24T10:00Z')).limit).toEqual({ uploadBytesPerSecond: 5 });
  });
});

const zones = ['UTC', 'Europe/Berlin', 'America/New_York', 'Australia/Lord_Howe', 'Asia/Kathmandu', 'America/Santiago'];
const timeArbitrary = fc.record({ hour: fc.nat(23), minute: fc.nat(59) });
const windowArbitrary: fc.Arbitrary<BandwidthWindow> = fc.record({
  weekdays: fc.uniqueArray(fc.constantFrom<Weekday>(...ALL_DAYS), { minLength: 1 }),
  from: timeArbitrary,
  to: timeArbitrary,
  timeZone: fc.constantFrom(...zones),
  uploadBytesPerSecond: fc.integer({ min: 1, max: 5 }),
});
const limitsArbitrary = fc.record({
  uploadBytesPerSecond: fc.integer({ min: 1, max: 5 }),
  windows: fc.array(windowArbitrary, { maxLength: 4 }),
});
const momentArbitrary = fc.integer({ min: at('2005-01-01T00:00Z'), max: at('2040-01-01T00:00Z') });

describe('the bandwidth of any limits', () => {
  it('does not change before it says that it may', () => {
    fc.assert(
      fc.property(limitsArbitrary, momentArbitrary, fc.double({ min: 0, max: 1, noNaN: true }), (given, ms, share) => {
        const now = bandwidthAt(given, ms);
        const until = Math.min(now.untilMs, ms + 8 * 86_400_000);
        expect(until).toBeGreaterThan(ms);
        const between = Math.min(until - 1, Math.floor(ms + share * (until - ms)));
        expect(bandwidthAt(given, between)).toEqual(now);
        expect(bandwidthAt(given, until - 1).limit).toEqual(now.limit);
      }),
      { numRuns: 100 },
    );
  });

  it('is the same in whatever order the windows stand', () => {
    fc.assert(
      fc.property(limitsArbitrary, momentArbitrary, (given, ms) => {
        expect(bandwidthAt({ ...given, windows: [...given.windows].reverse() }, ms)).toEqual(bandwidthAt(given, ms));
      }),
      { numRuns: 100 },
    );
  });

  it('is what a clock on the wall says, in a zone whose clocks neither skip nor repeat', () => {
    fc.assert(
      fc.property(windowArbitrary, momentArbitrary, (window, ms) => {
        const inUtc = { ...window, timeZone: 'UTC' };
        const moment = new Date(ms);
        const minute = moment.getUTCHours() * 60 + moment.getUTCMinutes();
        const day = ((moment.getUTCDay() + 6) % 7) + 1;
        const [from, to] = [window.from, window.to].map((each) => each.hour * 60 + each.minute) as [number, number];
        const begins = (which: number) => window.weekdays.some((each) => each === which);
        const inside =
          from < to
            ? begins(day) && minute >= from && minute < to
            : (begins(day) && minute >= from) || (begins(((day + 5) % 7) + 1) && minute < to);
        expect(bandwidthAt(limits(99, inUtc), ms).limit.uploadBytesPerSecond).toBe(
          inside ? window.uploadBytesPerSecond : 99,
        );
      }),
      { numRuns: 100 },
    );
  });
});

describe('limits that mean nothing', () => {
  const sound = during(WORKDAYS, '08:00-18:00', 20_000);
  it.each<[string, BandwidthLimits, string]>([
    ['a rate that stands still', limits(0), 'uploadBytesPerSecond'],
    ['a rate below what keeps a connection alive', limits(16_383), 'uploadBytesPerSecond'],
    ['half a byte', { downloadBytesPerSecond: 20_000.5, windows: [] }, 'downloadBytesPerSecond'],
    ['a rate in a window', limits(20_000, { ...sound, uploadBytesPerSecond: -1 }), 'windows.0.uploadBytesPerSecond'],
    ['no weekday', limits(20_000, sound, { ...sound, weekdays: [] }), 'windows.1.weekdays'],
    ['a weekday twice', limits(20_000, { ...sound, weekdays: [1, 1] }), 'windows.0.weekdays'],
    ['an hour that no clock shows', limits(20_000, { ...sound, to: { hour: 24, minute: 0 } }), 'windows.0.to'],
    ['a zone that is none', limits(20_000, { ...sound, timeZone: '+01:00' }), 'windows.0.timeZone'],
    ['more windows than anyone needs', limits(20_000, ...Array.from({ length: 51 }, () => sound)), 'windows'],
  ])('are refused with the field: %s', (_, given, field) => {
    expect(() => checkBandwidthLimits(given)).toThrowError(
      expect.objectContaining({ kind: 'Validation', code: 'BANDWIDTH', details: { field } }),
    );
    expect(() => checkBandwidthLimits(limits(20_000, sound))).not.toThrow();
  });
});
