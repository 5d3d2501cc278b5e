/**
 * The moments that a schedule rule names. A rule speaks of wall clocks, and these skip and repeat: a
 * time that does not exist on a day falls on the next instant that does (the end of the gap), one that
 * exists twice counts once, the first time.
 */
import type { Temporal } from 'temporal-polyfill';
import type { ScheduleRule, TimeOfDay } from './schedule-rule.js';
import { instantOf, localDate } from './wall-clock.js';

// A week, a day for the weekday before, and a day for a date that a zone left out.
const SEARCH_DAYS = 9;

/** The first moment of the rule after `afterMs`. Milliseconds since 1970, UTC. */
export function nextOccurrence(rule: ScheduleRule, afterMs: number): number {
  const day = localDate(afterMs, rule.timeZone);
  // A gap can push a moment of the day before behind `afterMs`.
  for (let offset = -1; offset <= SEARCH_DAYS; offset++) {
    const found = occurrencesOf(rule, day.add({ days: offset })).find((moment) => moment > afterMs);
    if (found !== undefined) return found;
  }
  throw new RangeError('a schedule rule without moments was not refused');
}

/** The last moment of the rule at or before `atMs`. */
export function previousOccurrence(rule: ScheduleRule, atMs: number): number {
  const day = localDate(atMs, rule.timeZone);
  for (let offset = 1; offset >= -SEARCH_DAYS; offset--) {
    const found = occurrencesOf(rule, day.add({ days: offset })).findLast((moment) => moment <= atMs);
    if (found !== undefined) return found;
  }
  throw new RangeError('a schedule rule without moments was not refused');
}

/** Ascending moments that the rule names on one local date. */
function occurrencesOf(rule: ScheduleRule, date: Temporal.PlainDate): number[] {
  return timesOn(rule, date).map(({ hour, minute }) =>
    instantOf(date.toPlainDateTime({ hour, minute }), rule.timeZone, 'first'),
  );
}

function timesOn(rule: ScheduleRule, date: Temporal.PlainDate): TimeOfDay[] {
  switch (rule.kind) {
    case 'HOURLY':
      return Array.from({ length: 24 / rule.everyHours }, (_, n) => ({
        hour: n * rule.everyHours,
        minute: rule.minute,
      }));
    case 'DAILY':
      return [rule.at];
    case 'WEEKLY':
      return rule.weekdays.some((day) => day === date.dayOfWeek) ? [rule.at] : [];
  }
}
