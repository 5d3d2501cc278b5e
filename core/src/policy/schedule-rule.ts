import { HoldfastError } from '../errors/index.js';

export interface TimeOfDay {
  /** 0 to 23. */
  readonly hour: number;
  /** 0 to 59. */
  readonly minute: number;
}

/** Monday is 1, Sunday is 7 (ISO 8601). */
export type Weekday = 1 | 2 | 3 | 4 | 5 | 6 | 7;

/** When backups are due, by the wall clock of an IANA time zone. */
export type ScheduleRule =
  /** At `minute` past every hour of the day that is a multiple of `everyHours`, a divisor of 24. */
  | { readonly kind: 'HOURLY'; readonly everyHours: number; readonly minute: number; readonly timeZone: string }
  | { readonly kind: 'DAILY'; readonly at: TimeOfDay; readonly timeZone: string }
  | {
      readonly kind: 'WEEKLY';
      readonly weekdays: readonly Weekday[];
      readonly at: TimeOfDay;
      readonly timeZone: string;
    };

const STEPS = [1, 2, 3, 4, 6, 8, 12, 24];

/** Throws Validation, with the field in `details`, for a rule that names no moments or an unknown zone. */
export function checkScheduleRule(rule: ScheduleRule): void {
  if (!isTimeZone(rule.timeZone)) throw invalid('timeZone', 'This is not an IANA time zone.');
  if (rule.kind === 'HOURLY') {
    if (!STEPS.includes(rule.everyHours))
      throw invalid('everyHours', `Hours between runs divide a day: ${STEPS.join(', ')}.`);
    if (!isWithin(rule.minute, 59)) throw invalid('minute', 'A minute is 0 to 59.');
    return;
  }
  if (!isTimeOfDay(rule.at)) throw invalid('at', 'A time of day is 00:00 to 23:59.');
  if (rule.kind === 'WEEKLY' && !areWeekdays(rule.weekdays)) throw invalid('weekdays', WEEKDAYS_ARE);
}

export const WEEKDAYS_ARE = 'Weekdays are 1 (Monday) to 7 (Sunday), at least one, none twice.';

export function areWeekdays(weekdays: readonly number[]): boolean {
  const days = new Set(weekdays);
  return days.size > 0 && days.size === weekdays.length && weekdays.every((day) => day >= 1 && isWithin(day, 7));
}

export function isTimeOfDay({ hour, minute }: TimeOfDay): boolean {
  return isWithin(hour, 23) && isWithin(minute, 59);
}

export function isTimeZone(name: string): boolean {
  // Fixed offsets pass for zones in newer platforms; they have no summer time and are no names.
  if (!/^[A-Za-z][A-Za-z0-9_+\-/]{1,63}$/.test(name)) return false;
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}

function isWithin(value: number, max: number): boolean {
  return Number.isInteger(value) && value >= 0 && value <= max;
}

function invalid(field: string, message: string): HoldfastError {
  return new HoldfastError({ kind: 'Validation', code: 'SCHEDULE_RULE', message, details: { field } });
}
