import { describe, expect, it } from 'vitest';
import type { Schedule } from './policy.js';
import { checkSchedule, decideBackup, scheduleStart } from './schedule.js';

const daily = (overrides: Partial<Schedule> = {}): Schedule => ({
  frequency: 'DAILY',
  at: '02:30',
  timeZone: 'Europe/Berlin',
  jitterMinutes: 0,
  backupType: 'INCREMENTAL',
  ...overrides,
});
const utc = (text: string) => Date.parse(`${text}Z`);

describe('a schedule', () => {
  it.each([
    daily(),
    daily({ frequency: 'HOURLY', everyHours: 6, at: '00:15', jitterMinutes: 359 }),
    daily({ frequency: 'WEEKLY', weekdays: ['SUNDAY', 'MONDAY'], jitterMinutes: 720 }),
  ])('is accepted: %#', (schedule) => {
    expect(checkSchedule(schedule, 'schedule')).toEqual(schedule);
  });

  it.each([
    [{ at: '2:30' }, 'at'],
    [{ at: '24:00' }, 'at'],
    [{ frequency: 'HOURLY', everyHours: 1, at: '00:60' }, 'at'],
    [{ timeZone: 'Mars/Olympus' }, 'timeZone'],
    [{ timeZone: '+02:00' }, 'timeZone'],
    [{ everyHours: 2 }, 'everyHours'],
    [{ frequency: 'HOURLY' }, 'everyHours'],
    [{ frequency: 'HOURLY', everyHours: 5 }, 'everyHours'],
    [{ weekdays: ['MONDAY'] }, 'weekdays'],
    [{ frequency: 'WEEKLY' }, 'weekdays'],
    [{ frequency: 'WEEKLY', weekdays: ['MONDAY', 'MONDAY'] }, 'weekdays'],
    [{ jitterMinutes: -1 }, 'jitterMinutes'],
    [{ jitterMinutes: 721 }, 'jitterMinutes'],
    [{ frequency: 'HOURLY', everyHours: 1, jitterMinutes: 60 }, 'jitterMinutes'],
  ] as [Partial<Schedule>, string][])('is refused with the field that is wrong: %j', (overrides, field) => {
    expect(() => checkSchedule(daily(overrides), 'schedule')).toThrow(
      expect.objectContaining({ kind: 'Validation', details: { field: `schedule.${field}` } }),
    );
  });
});

describe('an item in a schedule', () => {
  it('starts at the first occurrence after it was configured', () => {
    expect(scheduleStart(daily(), 'item', utc('2027-01-10T12:00:00'))).toEqual({
      servedUntil: utc('2027-01-10T12:00:00'),
      nextBackupAt: utc('2027-01-11T01:30:00'),
    });
  });

  it('has a delay of its own inside the jitter, always the same', () => {
    const jittered = daily({ jitterMinutes: 60 });
    const starts = ['a', 'b', 'c', 'd'].map(
      (id) => scheduleStart(jittered, id, utc('2027-01-10T12:00:00')).nextBackupAt - utc('2027-01-11T01:30:00'),
    );
    expect(starts.every((delay) => delay >= 0 && delay < 60 * 60_000)).toBe(true);
    expect(new Set(starts).size).toBe(4);
    const again = decideBackup(
      jittered,
      { id: 'a', servedUntil: utc('2027-01-11T01:30:00') },
      utc('2027-01-11T03:00:00'),
    );
    expect(again).toEqual({ nextAtMs: utc('2027-01-12T01:30:00') + (starts[0] ?? 0) });
  });

  it('catches up once after days in which nobody looked', () => {
    const decision = decideBackup(
      daily(),
      { id: 'a', servedUntil: utc('2027-01-10T12:00:00') },
      utc('2027-01-15T12:00:00'),
    );
    expect(decision).toEqual({
      run: { occurrenceMs: utc('2027-01-15T01:30:00'), catchesUp: true },
      nextAtMs: utc('2027-01-16T01:30:00'),
    });
  });
});
