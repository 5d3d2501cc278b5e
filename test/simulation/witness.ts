import { idOfClaim } from '@holdfast/core/engine';
import { PackFooter } from '@holdfast/proto/vault';
import type { OutgoingPack } from '../../agent/src/jobs/data-transport.js';
import { idKey, splitIds } from '../../agent/src/jobs/ids.js';
import type { JobRef } from '../../agent/src/jobs/job.js';
import type { Life } from './life.js';

/** Sees what goes between agent and gateway, over all their lives, and what of it must not be. */
export class Witness {
  /** What must never be, in words. */
  readonly violations: string[] = [];
  /** Jobs of which the agent has a change cache of what it committed. */
  readonly cached = new Set<string>();
  /** The job that made a lease's base point. */
  private readonly bases = new Map<string, string>();
  private readonly opens: { readonly lease: string; readonly process: Life; readonly name: string }[] = [];
  /** Data chunks of packs that were acknowledged. */
  private readonly acknowledgedData = new Set<string>();

  acknowledged(pack: OutgoingPack): void {
    if (pack.kind !== 'DATA') return;
    for (const { chunkIds } of PackFooter.decode(pack.footer).frames)
      for (const id of splitIds(chunkIds)) this.acknowledgedData.add(idKey(id));
  }

  /** Data that was acknowledged once need never be sent again, whatever died since. */
  answered(claims: Buffer, present: Buffer): void {
    for (const [place, claim] of splitIds(claims).entries()) {
      const isThere = ((present[place >> 3] ?? 0) & (1 << (place & 7))) !== 0;
      if (!isThere && this.acknowledgedData.has(idKey(idOfClaim(claim))))
        this.violations.push('the gateway asked for data again that it had acknowledged');
    }
  }

  leased(lease: JobRef, baseJobId: string | undefined): void {
    if (baseJobId !== undefined) this.bases.set(keyOf(lease), baseJobId);
  }

  /** A file's content is opened to be read. */
  opened(job: JobRef, process: Life, name: string): void {
    const lease = keyOf(job);
    if (this.opens.some((open) => open.lease === lease && open.process === process && open.name === name))
      this.violations.push(`${name} was read twice by one process for one lease`);
    this.opens.push({ lease, process, name });
  }

  /**
   * Files of a base point that were read all the same. A job may do that only when its agent died between the commit of the base
   * and the writing of its cache. `filesOf` names what a job backed up, but files with several names: to lose one of those changes
   * a file's times.
   */
  readInVain(filesOf: (jobId: string) => ReadonlySet<string>): string[] {
    return this.opens.flatMap(({ lease, name }) => {
      const base = this.bases.get(lease);
      if (base === undefined || !this.cached.has(base) || !filesOf(base).has(name)) return [];
      return [`${name} was read again, though the base point has it`];
    });
  }
}

function keyOf({ jobId, epoch }: JobRef): string {
  return `${jobId}/${epoch}`;
}
