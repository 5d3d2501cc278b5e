import type { AgentsQuery } from '../../gql/graphql';
import { formatRate } from '../../platform/format/amounts';
import { WEEKDAY_WORDS } from '../../platform/format/words';

type Limits = AgentsQuery['agents']['edges'][number]['node']['bandwidth'];
type Rates = Omit<Limits, 'windows'>;

/** One line for each window, and one for what holds otherwise; none when nothing is limited. */
export function bandwidthLines(limits: Limits, locale?: string): string[] {
  const windows = limits.windows.map((window) => {
    const days = window.weekdays.map((day) => WEEKDAY_WORDS[day].slice(0, 3)).join(', ');
    return `${days} ${window.from}–${window.to} ${window.timeZone}: ${ratesOf(window, locale)}`;
  });
  if (windows.length > 0) return [...windows, `Otherwise: ${ratesOf(limits, locale)}`];
  return isLimited(limits) ? [ratesOf(limits, locale)] : [];
}

function ratesOf(
  { uploadBytesPerSecond: up, downloadBytesPerSecond: down }: Rates,
  locale: string | undefined,
): string {
  if (!isLimited({ uploadBytesPerSecond: up, downloadBytesPerSecond: down })) return 'unlimited';
  const rate = (bytes: string | null | undefined): string => (bytes ? formatRate(bytes, locale) : 'unlimited');
  return `up ${rate(up)}, down ${rate(down)}`;
}

function isLimited({ uploadBytesPerSecond, downloadBytesPerSecond }: Rates): boolean {
  return Boolean(uploadBytesPerSecond ?? downloadBytesPerSecond);
}
