import type { Weekday as IsoWeekday } from '@holdfast/core/policy';
import type { Weekday } from './policy.js';

const WEEKDAYS = ['MONDAY', 'TUESDAY', 'WEDNESDAY', 'THURSDAY', 'FRIDAY', 'SATURDAY', 'SUNDAY'] as const;

export function isoWeekday(day: Weekday): IsoWeekday {
  return (WEEKDAYS.indexOf(day) + 1) as IsoWeekday;
}

export function nameOfWeekday(day: IsoWeekday): Weekday {
  return WEEKDAYS[day - 1] as Weekday;
}
