import { idOfClaim } from '@holdfast/core/engine';
import { PackFooter } from '@holdfast/proto/vault';
import type { OutgoingPack } from '../../agent/src/jobs/data-transport.js';
import { idKey, splitIds } from '../../agent/src/jobs/ids.js';
import type { JobRef } from '../../agent/src/jobs/job.js';

/** Sees what goes between agent and gateway, over all their lives, and what of it must not be. */
export class Witness {
  /** What must never be, in words. */
  readonly violations: string[] = [];
  /** Names of files whose content was opened, by the job that did it. */
  readonly openedBy = new Map<string, string[]>();
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

  opened({ jobId }: JobRef, name: string): void {
    const names = this.openedBy.get(jobId);
    if (names === undefined) this.openedBy.set(jobId, [name]);
    else names.push(name);
  }
}
