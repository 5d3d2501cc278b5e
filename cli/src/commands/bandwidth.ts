/** Bandwidth limits in the words of a command line. */
import { InvalidArgumentError } from 'commander';
import type { BandwidthWindowInput } from '../gql/graphql.js';
import { parseWeekdays, shortWeekdays } from './weekdays.js';

/** Bytes per second as the API takes them; null: no limit. */
export type Rate = string | null;

export interface Rates {
  readonly uploadBytesPerSecond?: Rate;
  readonly downloadBytesPerSecond?: Rate;
}

export type Span = Pick<BandwidthWindowInput, 'from' | 'timeZone' | 'to' | 'weekdays'>;

export interface Limits extends Rates {
  readonly windows: readonly BandwidthWindowInput[];
}

const FACTORS: Readonly<Record<string, number>> = {
  '': 1,
  k: 1e3,
  m: 1e6,
  g: 1e9,
  ki: 2 ** 10,
  mi: 2 ** 20,
  gi: 2 ** 30,
};

/** A rate as an option holds it. The option parser takes null for a missing value, so no limit is a value of its own. */
export interface GivenRate {
  readonly rate: Rate;
}

/** `10MB/s`, `500 kB/s`, `2MiB/s`, `80Mbit/s`, `none`. */
export function parseRate(text: string): GivenRate {
  if (text.trim().toLowerCase() === 'none') return { rate: null };
  const match = /^(\d+(?:\.\d+)?)\s*([kKMG]i?)?(B|bit)\/s$/.exec(text.trim());
  const factor = FACTORS[match?.[2]?.toLowerCase() ?? ''];
  if (match === null || factor === undefined)
    throw new InvalidArgumentError('It must be a rate like 10MB/s, 500kB/s or 80Mbit/s, or "none".');
  const isBits = match[3] === 'bit';
  return { rate: String(Math.round((Number(match[1]) * factor) / (isBits ? 8 : 1))) };
}

/** `mon-fri 08:00-18:00 [Europe/Berlin]`. */
export function parseSpan(text: string): Span {
  const [days = '', times = '', timeZone = Intl.DateTimeFormat().resolvedOptions().timeZone, ...rest] = text
    .trim()
    .split(/\s+/);
  const [, from, to] = /^(\d{2}:\d{2})-(\d{2}:\d{2})$/.exec(times) ?? [];
  if (from === undefined || to === undefined || rest.length > 0)
    throw new InvalidArgumentError('It must be a span like "mon-fri 08:00-18:00 Europe/Berlin".');
  return { weekdays: parseWeekdays(days), from, to, timeZone };
}

/** The limits with these rates, otherwise or in one window. A rate that is not given stays; in a new window it is what holds otherwise. */
export function withRates(before: Limits, rates: Rates, span?: Span): Limits {
  if (span === undefined) return { ...before, ...rates };
  const isSame = (window: Span): boolean => describeSpan(window) === describeSpan(span);
  const { windows, ...otherwise } = before;
  const window = { ...otherwise, ...windows.find(isSame), ...rates, ...span };
  return { ...otherwise, windows: [...windows.filter((each) => !isSame(each)), window] };
}

export function describeSpan({ weekdays, from, to, timeZone }: Span): string {
  return `${shortWeekdays(weekdays)} ${from}-${to} ${timeZone}`;
}

/** In the largest unit that keeps every digit. */
export function describeRate(rate: Rate | undefined): string {
  if (rate === undefined || rate === null) return 'none';
  const bytes = Number(rate);
  for (const [unit, factor] of [
    ['GB', 1e9],
    ['MB', 1e6],
    ['kB', 1e3],
  ] as const)
    if (bytes >= factor && (bytes * 1000) % factor === 0) return `${bytes / factor} ${unit}/s`;
  return `${bytes} B/s`;
}
