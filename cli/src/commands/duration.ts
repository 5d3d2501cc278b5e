import { InvalidArgumentError } from 'commander';

const UNIT_MS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };
/** More than a timer takes. */
const LONGEST_MS = 24 * 86_400_000;

/** `90s`, `30m`, `2h` or `1d` in milliseconds. Throws for anything else, for nothing and for more than 24 days. */
export function parseDuration(text: string): number {
  const [, count, unit = ''] = /^(\d{1,8})([smhd])$/.exec(text) ?? [];
  const ms = Number(count) * (UNIT_MS[unit] ?? 0);
  if (ms > 0 && ms <= LONGEST_MS) return ms;
  throw new InvalidArgumentError('It must be a number with s, m, h or d (90s, 30m, 2h), at most 24d.');
}
