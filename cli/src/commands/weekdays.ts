import { InvalidArgumentError } from 'commander';
import type { Weekday } from '../gql/graphql.js';

const WEEKDAYS: readonly Weekday[] = ['MONDAY', 'TUESDAY', 'WEDNESDAY', 'THURSDAY', 'FRIDAY', 'SATURDAY', 'SUNDAY'];

/** `mon,thu`, `mon-fri`, `fri-mon`; each day once, from Monday on. Throws for anything else. */
export function parseWeekdays(text: string): Weekday[] {
  const named = new Set(text.split(',').flatMap(parsePart));
  return WEEKDAYS.filter((day) => named.has(day));
}

export function shortWeekdays(days: readonly string[]): string {
  return days.map((day) => day.slice(0, 3).toLowerCase()).join(',');
}

function parsePart(part: string): Weekday[] {
  const [first, last = first, ...rest] = part.split('-').map(parseDay);
  if (first === undefined || last === undefined || rest.length > 0)
    throw new InvalidArgumentError(`"${part}" is not a span of weekdays.`);
  const [from, to] = [WEEKDAYS.indexOf(first), WEEKDAYS.indexOf(last)];
  return WEEKDAYS.filter((_, day) => (from <= to ? day >= from && day <= to : day >= from || day <= to));
}

function parseDay(text: string): Weekday {
  const wanted = text.trim().toUpperCase();
  const day = wanted.length >= 3 ? WEEKDAYS.find((candidate) => candidate.startsWith(wanted)) : undefined;
  if (day === undefined) throw new InvalidArgumentError(`"${text}" is not a weekday (mon, tue, … sun).`);
  return day;
}
