/** Whether a backup could run as things are on the host: CRITICAL when none of the roots could be read, so that it would fail. */
export type PreCheckStatus = 'PASSED' | 'WARNING' | 'CRITICAL';

/** A root that could not be backed up, and why. */
export interface RootTrouble {
  /** Raw bytes. */
  readonly path: Uint8Array;
  readonly message: string;
}

export interface PreCheck {
  readonly status: PreCheckStatus;
  /** Milliseconds since 1970. */
  readonly checkedAt: number;
  readonly troubles: readonly RootTrouble[];
}

/** What an agent found, as far as it is about this item's roots; of each root its first trouble counts. */
export function judgeRoots(roots: readonly Buffer[], found: readonly RootTrouble[], now: number): PreCheck {
  const troubles = roots.flatMap((root) => found.find(({ path }) => root.equals(path)) ?? []);
  const status = troubles.length === 0 ? 'PASSED' : troubles.length < roots.length ? 'WARNING' : 'CRITICAL';
  return { status, checkedAt: now, troubles };
}
