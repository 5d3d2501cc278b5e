import type { JobRef } from '../jobs/domain/job.js';
import type { DomainAccess } from '../vaults/opening/frame-opening.js';

const MOST = 64;
const KEPT_MS = 30_000;

/**
 * What opens the points of running restores, for a short time: a restore asks for keys many times a second, and finding them out takes
 * longer than everything else that it asks. Whether the job may be given them is asked every time; a point that is deleted meanwhile can be read
 * on for so long. Secret: never written down.
 */
export class PointAccesses {
  private readonly kept = new Map<string, { readonly access: DomainAccess; readonly until: number }>();

  get({ jobId, epoch }: JobRef, now: number): DomainAccess | undefined {
    this.drop(now);
    return this.kept.get(keyOf(jobId, epoch))?.access;
  }

  set({ jobId, epoch }: JobRef, access: DomainAccess, now: number): void {
    const key = keyOf(jobId, epoch);
    this.kept.delete(key);
    this.kept.set(key, { access, until: now + KEPT_MS });
    this.drop(now);
  }

  /** The attempt is over. */
  forget({ jobId, epoch }: JobRef): void {
    this.kept.delete(keyOf(jobId, epoch));
  }

  private drop(now: number): void {
    for (const [oldest, { until }] of this.kept) {
      if (this.kept.size <= MOST && now < until) return;
      this.kept.delete(oldest);
    }
  }
}

function keyOf(jobId: string, epoch: number): string {
  return `${jobId} ${epoch}`;
}
