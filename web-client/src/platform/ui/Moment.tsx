import { formatLocal, formatRelative, formatUtc } from '../format/time';
import { useNow } from './use-now';

interface MomentProps {
  /** RFC 3339 in UTC, as the API sends it. */
  readonly at: string | null | undefined;
  /** "3 minutes ago" instead of the date. */
  readonly relative?: boolean;
  /** Shown when there is no time. */
  readonly absent?: string;
}

/** A point in time as the reader's clock has it; the exact UTC instant on hover. */
export function Moment({ at, relative = false, absent = '—' }: MomentProps) {
  const now = useNow();
  if (!at) return <span>{absent}</span>;
  const ms = Date.parse(at);
  const title = relative ? `${formatLocal(ms)} · ${formatUtc(ms)}` : formatUtc(ms);
  return (
    <time dateTime={at} title={title}>
      {relative ? formatRelative(ms, now) : formatLocal(ms)}
    </time>
  );
}
