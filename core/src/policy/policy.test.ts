import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  checkScheduleRule,
  decideRun,
  jitterOffset,
  nextOccurrence,
  previousOccurrence,
  type ScheduleRule,
  type Weekday,
} from './index.js';

const at = (text: string) => Date.parse(text);
const show = (ms: number) => new Date(ms).toISOString().replace(':00.000Z', 'Z');

function daily(time: string, timeZone: string): ScheduleRule {
  const [hour, minute] = time.split(':').map(Number) as [number, number];
  return { kind: 'DAILY', at: { hour, minute }, timeZone };
}

function hourly(everyHours: number, minute: number, timeZone: string): ScheduleRule {
  return { kind: 'HOURLY', everyHours, minute, timeZone };
}

function weekly(weekdays: Weekday[], time: string, timeZone: string): ScheduleRule {
  const { at: timeOfDay } = daily(time, timeZone) as Extract<ScheduleRule, { kind: 'DAILY' }>;
  return { kind: 'WEEKLY', weekdays, at: timeOfDay, timeZone };
}

describe('the next occurrences', () => {
  it.each<[string, ScheduleRule, string, string[]]>([
    ['of a daily time', daily('23:15', 'UTC'), '2026-11-22T23:15Z', ['2026-11-23T23:15Z', '2026-11-24T23:15Z']],
    [
      'in a zone off the full hour',
      daily('00:00', 'Asia/Kathmandu'),
      '2026-01-01T00:00Z',
      ['2026-01-01T18:15Z', '2026-01-02T18:15Z'],
    ],
    [
      'of weekdays',
      weekly([5, 1], '22:00', 'UTC'),
      '2026-11-22T23:00Z',
      ['2026-11-23T22:00Z', '2026-11-27T22:00Z', '2026-11-30T22:00Z'],
    ],
    [
      'of a weekday in a zone where it is another day',
      weekly([1], '00:30', 'Pacific/Auckland'),
      '2026-06-01T00:00Z',
      ['2026-06-07T12:30Z'],
    ],
    [
      'every six hours',
      hourly(6, 15, 'Europe/Berlin'),
      '2026-06-01T00:00Z',
      ['2026-06-01T04:15Z', '2026-06-01T10:15Z', '2026-06-01T16:15Z', '2026-06-01T22:15Z'],
    ],
    [
      'of a time that the spring leaves out: when the gap ends',
      daily('02:30', 'Europe/Berlin'),
      '2026-03-28T12:00Z',
      ['2026-03-29T01:00Z', '2026-03-30T00:30Z'],
    ],
    [
      'of a time that the autumn repeats: once, the first time',
      daily('02:30', 'Europe/Berlin'),
      '2026-10-24T12:00Z',
      ['2026-10-25T00:30Z', '2026-10-26T01:30Z'],
    ],
    [
      'in New York, spring',
      daily('02:30', 'America/New_York'),
      '2026-03-08T00:00Z',
      ['2026-03-08T07:00Z', '2026-03-09T06:30Z'],
    ],
    [
      'in New York, autumn',
      daily('01:30', 'America/New_York'),
      '2026-10-31T12:00Z',
      ['2026-11-01T05:30Z', '2026-11-02T06:30Z'],
    ],
    [
      'where summer time is half an hour',
      daily('02:15', 'Australia/Lord_Howe'),
      '2026-10-03T00:00Z',
      ['2026-10-03T15:30Z', '2026-10-04T15:15Z'],
    ],
    [
      'where a whole day was left out',
      daily('02:00', 'Pacific/Apia'),
      '2011-12-29T13:00Z',
      ['2011-12-30T10:00Z', '2011-12-30T12:00Z'],
    ],
    [
      'every hour through the spring',
      hourly(1, 30, 'Europe/Berlin'),
      '2026-03-29T00:00Z',
      ['2026-03-29T00:30Z', '2026-03-29T01:00Z', '2026-03-29T01:30Z'],
    ],
    [
      'every hour through the autumn',
      hourly(1, 30, 'Europe/Berlin'),
      '2026-10-24T23:45Z',
      ['2026-10-25T00:30Z', '2026-10-25T02:30Z'],
    ],
    ['across a leap day', daily('12:00', 'UTC'), '2028-02-28T13:00Z', ['2028-02-29T12:00Z', '2028-03-01T12:00Z']],
  ])('%s', (_, rule, after, expected) => {
    const found: string[] = [];
    for (let ms = at(after); found.length < expected.length; ) {
      ms = nextOccurrence(rule, ms);
      found.push(show(ms));
    }
    expect(found).toEqual(expected);
  });
});

const zones = [
  'UTC',
  'Europe/Berlin',
  'America/New_York',
  'America/St_Johns',
  'Australia/Lord_Howe',
  'Asia/Kathmandu',
  'Pacific/Apia',
  'Africa/Cairo',
  'America/Santiago',
];
const ruleArbitrary: fc.Arbitrary<ScheduleRule> = fc.oneof(
  fc.record({
    kind: fc.constant('HOURLY' as const),
    everyHours: fc.constantFrom(1, 2, 3, 4, 6, 8, 12, 24),
    minute: fc.nat(59),
    timeZone: fc.constantFrom(...zones),
  }),
  fc.record({
    kind: fc.constant('DAILY' as const),
    at: fc.record({ hour: fc.nat(23), minute: fc.nat(59) }),
    timeZone: fc.constantFrom(...zones),
  }),
  fc.record({
    kind: fc.constant('WEEKLY' as const),
    weekdays: fc.uniqueArray(fc.constantFrom<Weekday>(1, 2, 3, 4, 5, 6, 7), { minLength: 1 }),
    at: fc.record({ hour: fc.nat(23), minute: fc.nat(59) }),
    timeZone: fc.constantFrom(...zones),
  }),
);
const momentArbitrary = fc.integer({ min: at('2005-01-01T00:00Z'), max: at('2040-01-01T00:00Z') });

describe('occurrences of any rule', () => {
  it('follow each other without a gap: what is next is what was previous just before the one after', () => {
    fc.assert(
      fc.property(ruleArbitrary, momentArbitrary, (rule, ms) => {
        const next = nextOccurrence(rule, ms);
        const previous = previousOccurrence(rule, ms);
        expect(next).toBeGreaterThan(ms);
        expect(previous).toBeLessThanOrEqual(ms);
        expect(previousOccurrence(rule, next)).toBe(next);
        expect(previousOccurrence(rule, next - 1)).toBe(previous);
        expect(nextOccurrence(rule, previous)).toBe(next);
      }),
      { numRuns: 300 },
    );
  });

  it('are never further apart than the rule says, but for what clocks skip', () => {
    fc.assert(
      fc.property(ruleArbitrary, momentArbitrary, (rule, ms) => {
        const hours = rule.kind === 'HOURLY' ? rule.everyHours : rule.kind === 'DAILY' ? 24 : 7 * 24;
        expect(nextOccurrence(rule, ms) - previousOccurrence(rule, ms)).toBeLessThanOrEqual((hours + 1) * 3_600_000);
      }),
      { numRuns: 300 },
    );
  });
});

describe('deciding on a run', () => {
  const rule = daily('02:00', 'UTC');
  const decide = (servedUntil: string, now: string, offsetMs = 0) =>
    decideRun({ rule, servedUntilMs: at(servedUntil), nowMs: at(now), offsetMs });

  it.each([
    [
      'nothing before the first occurrence',
      '2026-01-01T12:00Z',
      '2026-01-02T01:59Z',
      0,
      undefined,
      '2026-01-02T02:00Z',
    ],
    [
      'the occurrence at its moment',
      '2026-01-01T12:00Z',
      '2026-01-02T02:00Z',
      0,
      ['2026-01-02T02:00Z', false],
      '2026-01-03T02:00Z',
    ],
    ['nothing again once it was served', '2026-01-02T02:00Z', '2026-01-02T02:00Z', 0, undefined, '2026-01-03T02:00Z'],
    [
      'one run for a week of downtime, for its latest occurrence',
      '2026-01-02T02:00Z',
      '2026-01-09T17:00Z',
      0,
      ['2026-01-09T02:00Z', true],
      '2026-01-10T02:00Z',
    ],
    [
      'nothing inside the delay of this item',
      '2026-01-01T12:00Z',
      '2026-01-02T02:29Z',
      1_800_000,
      undefined,
      '2026-01-02T02:30Z',
    ],
    [
      'the occurrence after the delay of this item',
      '2026-01-01T12:00Z',
      '2026-01-02T02:30Z',
      1_800_000,
      ['2026-01-02T02:00Z', false],
      '2026-01-03T02:30Z',
    ],
    [
      'nothing when the clock went back behind what was served',
      '2026-01-05T02:00Z',
      '2026-01-02T03:00Z',
      0,
      undefined,
      '2026-01-06T02:00Z',
    ],
  ] as const)('says %s', (_, served, now, offset, run, next) => {
    const decision = decide(served, now, offset);
    expect(decision.run && [show(decision.run.occurrenceMs), decision.run.catchesUp]).toEqual(run);
    expect(show(decision.nextAtMs)).toBe(next);
  });

  it('serves each occurrence once, however often it is asked', () => {
    fc.assert(
      fc.property(
        ruleArbitrary,
        momentArbitrary,
        fc.array(fc.integer({ min: 1, max: 40 * 3_600_000 }), { minLength: 1, maxLength: 20 }),
        fc.nat(3_600_000),
        (any, start, steps, offsetMs) => {
          let servedUntilMs = start;
          let nowMs = start;
          for (const step of steps) {
            nowMs += step;
            const { run, nextAtMs } = decideRun({ rule: any, servedUntilMs, nowMs, offsetMs });
            expect(nextAtMs).toBeGreaterThan(nowMs);
            if (!run) continue;
            expect(run.occurrenceMs).toBeGreaterThan(servedUntilMs);
            expect(run.occurrenceMs + offsetMs).toBeLessThanOrEqual(nowMs);
            servedUntilMs = run.occurrenceMs;
            expect(decideRun({ rule: any, servedUntilMs, nowMs, offsetMs }).run).toBeUndefined();
          }
        },
      ),
      { numRuns: 40 },
    );
  });
});

describe('jitter', () => {
  it('is the same for an item each time, inside the window, and spread over items', () => {
    const offsets = Array.from({ length: 2_000 }, (_, n) => jitterOffset(`item-${n}`, 60_000));
    expect(jitterOffset('item-7', 60_000)).toBe(offsets[7]);
    expect(Math.min(...offsets)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...offsets)).toBeLessThan(60_000);
    const quarters = [0, 1, 2, 3].map(
      (quarter) => offsets.filter((each) => Math.floor(each / 15_000) === quarter).length,
    );
    for (const count of quarters) expect(count).toBeGreaterThan(400);
    expect(jitterOffset('item', 0)).toBe(0);
  });
});

describe('a schedule rule', () => {
  it('that names no moments is refused with the field at fault', () => {
    const bad: [string, ScheduleRule][] = [
      ['timeZone', daily('01:00', 'Mars/Olympus')],
      ['timeZone', daily('01:00', '+02:00')],
      ['timeZone', daily('01:00', '')],
      ['everyHours', hourly(5, 0, 'UTC')],
      ['everyHours', hourly(0, 0, 'UTC')],
      ['minute', hourly(1, 60, 'UTC')],
      ['at', daily('24:00', 'UTC')],
      ['at', daily('1.5:00', 'UTC')],
      ['weekdays', weekly([], '01:00', 'UTC')],
      ['weekdays', weekly([1, 1], '01:00', 'UTC')],
      ['weekdays', weekly([8 as Weekday], '01:00', 'UTC')],
    ];
    for (const [field, rule] of bad)
      expect(() => checkScheduleRule(rule)).toThrowError(
        expect.objectContaining({ kind: 'Validation', details: { field } }),
      );
    for (const good of [daily('00:00', 'Europe/Berlin'), hourly(24, 59, 'UTC'), weekly([7, 1], '23:59', 'Etc/GMT+5')])
      checkScheduleRule(good);
  });
});
