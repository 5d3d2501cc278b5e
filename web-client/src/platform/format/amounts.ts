const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];

/** What the API sends for a number that may pass 2^53: a decimal string. */
export type Amount = string | number | bigint;

export function formatBytes(bytes: Amount, locale?: string): string {
  let value = Number(bytes);
  let unit = 0;
  // 1023.96 KiB would be rounded to "1,024.0 KiB".
  while (value >= 1023.95 && unit < UNITS.length - 1) {
    value /= 1024;
    unit += 1;
  }
  const digits = unit === 0 ? 0 : 1;
  const number = new Intl.NumberFormat(locale, { minimumFractionDigits: digits, maximumFractionDigits: digits });
  return `${number.format(value)} ${UNITS[unit]}`;
}

export function formatCount(count: Amount, locale?: string): string {
  return new Intl.NumberFormat(locale).format(typeof count === 'string' ? BigInt(count) : count);
}

export function formatRate(bytesPerSecond: Amount, locale?: string): string {
  return `${formatBytes(bytesPerSecond, locale)}/s`;
}

/** "1 file", "2 files", "1,234 files". */
export function countOf(count: Amount, one: string, many = `${one}s`): string {
  return `${formatCount(count)} ${Number(count) === 1 ? one : many}`;
}
