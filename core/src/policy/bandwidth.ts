/**
 * How fast a host may send and receive, by the wall clocks of a week. Windows overrule the limit that holds otherwise; where several
 * hold at once, the lower one counts. A window that the clocks make longer by going back is longer: what it protects is still there.
 */
import { HoldfastError } from '../errors/index.js';
import { areWeekdays, isTimeOfDay, isTimeZone, type TimeOfDay, WEEKDAYS_ARE, type Weekday } from './schedule-rule.js';
import { instantOf, localDate } from './wall-clock.js';

/** Bytes per second; where absent, as fast as the link takes it. */
export interface BandwidthLimit {
  readonly uploadBytesPerSecond?: number;
  readonly downloadBytesPerSecond?: number;
}

export interface BandwidthWindow extends BandwidthLimit {
  /** On which the window begins. */
  readonly weekdays: readonly Weekday[];
  readonly from: TimeOfDay;
  /** Exclusive. At or before `from`: on the next day. */
  readonly to: TimeOfDay;
  /** IANA name. */
  readonly timeZone: string;
}

export interface BandwidthLimits extends BandwidthLimit {
  readonly windows: readonly BandwidthWindow[];
}

export interface BandwidthNow {
  readonly limit: BandwidthLimit;
  /** The limit holds until then at least. Milliseconds since 1970; Infinity when it never changes. */
  readonly untilMs: number;
}

const LEAST_BYTES_PER_SECOND = 16 * 1024;
const MOST_BYTES_PER_SECOND = 1e12;
const MOST_WINDOWS = 50;
// From the day before, whose window may reach over midnight, to a week ahead and a date that a zone left out.
const FIRST_DAY = -2;
const LAST_DAY = 9;

export function bandwidthAt(limits: BandwidthLimits, atMs: number): BandwidthNow {
  const holding: BandwidthLimit[] = [];
  let untilMs = Number.POSITIVE_INFINITY;
  for (const window of limits.windows) {
    for (const { start, end } of intervalsAround(window, atMs)) {
      if (start <= atMs && atMs < end) holding.push(window);
      for (const change of [start, end]) if (change > atMs) untilMs = Math.min(untilMs, change);
    }
  }
  return { limit: lowest(holding.length === 0 ? [limits] : holding), untilMs };
}

/** Throws Validation, with the field's path in `details`, for limits that mean nothing. */
export function checkBandwidthLimits(limits: BandwidthLimits): void {
  checkLimit(limits, '');
  if (limits.windows.length > MOST_WINDOWS) throw invalid('windows', `There are at most ${MOST_WINDOWS} windows.`);
  for (const [index, window] of limits.windows.entries()) {
    const field = `windows.${index}.`;
    checkLimit(window, field);
    if (!areWeekdays(window.weekdays)) throw invalid(`${field}weekdays`, WEEKDAYS_ARE);
    for (const name of ['from', 'to'] as const)
      if (!isTimeOfDay(window[name])) throw invalid(`${field}${name}`, 'A time of day is 00:00 to 23:59.');
    if (!isTimeZone(window.timeZone)) throw invalid(`${field}timeZone`, 'This is not an IANA time zone.');
  }
}

function* intervalsAround(
  { weekdays, from, to, timeZone }: BandwidthWindow,
  atMs: number,
): Generator<{ readonly start: number; readonly end: number }> {
  const today = localDate(atMs, timeZone);
  const overMidnight = to.hour * 60 + to.minute <= from.hour * 60 + from.minute;
  for (let offset = FIRST_DAY; offset <= LAST_DAY; offset++) {
    const date = today.add({ days: offset });
    if (!weekdays.some((day) => day === date.dayOfWeek)) continue;
    const start = instantOf(date.toPlainDateTime(from), timeZone, 'first');
    const end = instantOf((overMidnight ? date.add({ days: 1 }) : date).toPlainDateTime(to), timeZone, 'last');
    // Nothing is left of a window that lies in a gap.
    if (start < end) yield { start, end };
  }
}

function lowest(limits: readonly BandwidthLimit[]): BandwidthLimit {
  const of = (name: keyof BandwidthLimit): BandwidthLimit => {
    const rates = limits.flatMap((limit) => limit[name] ?? []);
    return rates.length === 0 ? {} : { [name]: Math.min(...rates) };
  };
  return { ...of('uploadBytesPerSecond'), ...of('downloadBytesPerSecond') };
}

function checkLimit(limit: BandwidthLimit, prefix: string): void {
  for (const name of ['uploadBytesPerSecond', 'downloadBytesPerSecond'] as const) {
    const rate = limit[name];
    if (rate === undefined) continue;
    if (!Number.isInteger(rate) || rate < LEAST_BYTES_PER_SECOND || rate > MOST_BYTES_PER_SECOND)
      throw invalid(`${prefix}${name}`, `A limit is ${LEAST_BYTES_PER_SECOND} bytes per second or more.`);
  }
}

function invalid(field: string, message: string): HoldfastError {
  return new HoldfastError({ kind: 'Validation', code: 'BANDWIDTH', message, details: { field } });
}
