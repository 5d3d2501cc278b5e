import { Temporal } from 'temporal-polyfill';

/**
 * The instant at which the clocks of a zone show this local time, in milliseconds since 1970. A time that they skip falls on the end of
 * the gap; of one that they show twice, `which` is meant.
 */
export function instantOf(local: Temporal.PlainDateTime, timeZone: string, which: 'first' | 'last'): number {
  const earlier = local.toZonedDateTime(timeZone, { disambiguation: 'earlier' });
  if (!earlier.toPlainDateTime().equals(local)) {
    // In a gap "earlier" answers a moment before it; the gap ends at the transition that follows.
    return earlier.getTimeZoneTransition('next')?.epochMilliseconds ?? earlier.epochMilliseconds;
  }
  if (which === 'first') return earlier.epochMilliseconds;
  return local.toZonedDateTime(timeZone, { disambiguation: 'later' }).epochMilliseconds;
}

export function localDate(ms: number, timeZone: string): Temporal.PlainDate {
  return Temporal.Instant.fromEpochMilliseconds(ms).toZonedDateTimeISO(timeZone).toPlainDate();
}
