import type { Timers } from '@holdfast/core/clock';

/** Who asks about a vault waits no longer: a store may hang, and packs may be very many. */
export const PATIENCE_MS = 2_000;

/** The answer, or what is said instead where it takes longer than anybody waits. */
export function inTime<Answer>(
  timers: Pick<Timers, 'after'>,
  answer: Promise<Answer>,
  instead: () => Answer,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const stop = timers.after(PATIENCE_MS, () => resolve(instead()));
    answer.then(resolve, reject).finally(stop);
  });
}
