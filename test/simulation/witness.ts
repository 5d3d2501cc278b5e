import { idOfClaim } from '@holdfast/core/engine';
import { uuidFromBytes } from '@holdfast/core/ids';
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
  /** Data chunks that were acknowledged, with the packs that they came in. */
  private readonly acknowledgedData = new Map<string, string[]>();
  /** Packs that were lost, and are not known to be as they were. */
  private readonly lostPacks = new Set<string>();
  private hasLostAny = false;
  /** Bytes that had come of uploads when they gave their places up. */
  private readonly paused = new Map<string, number>();
  pauses = 0;
  resumes = 0;

  acknowledged(pack: OutgoingPack): void {
    if (pack.kind !== 'DATA') return;
    const packId = uuidFromBytes(pack.packId);
    for (const { chunkIds } of PackFooter.decode(pack.footer).frames)
      for (const id of splitIds(chunkIds)) {
        const packs = this.acknowledgedData.get(idKey(id));
        if (packs === undefined) this.acknowledgedData.set(idKey(id), [packId]);
        else packs.push(packId);
      }
  }

  lost(packId: string): void {
    this.lostPacks.add(packId);
    this.hasLostAny = true;
  }

  sound(packId: string): void {
    this.lostPacks.delete(packId);
  }

  gaveWay(sessionId: string, packId: string, received: number): void {
    this.pauses += 1;
    this.paused.set(`${sessionId}/${packId}`, received);
  }

  /** In the same session a pack goes on where it gave its place up. */
  goesOn(sessionId: string, packId: string, received: number): void {
    const upload = `${sessionId}/${packId}`;
    const before = this.paused.get(upload);
    this.paused.delete(upload);
    if (before === undefined) return;
    this.resumes += 1;
    if (received !== before) this.violations.push(`a pack went on at ${received} bytes, of which ${before} had come`);
  }

  /** Data that was acknowledged once need never be sent again, whatever died since; unless the store has lost it. */
  answered(claims: Buffer, present: Buffer): void {
    for (const [place, claim] of splitIds(claims).entries()) {
      const isThere = ((present[place >> 3] ?? 0) & (1 << (place & 7))) !== 0;
      const packs = this.acknowledgedData.get(idKey(idOfClaim(claim))) ?? [];
      if (!isThere && packs.some((packId) => !this.lostPacks.has(packId)))
        this.violations.push('the gateway asked for data again that it had acknowledged');
    }
  }

  leased(lease: JobRef, baseJobId: string | undefined): void {
    if (baseJobId !== undefined) this.bases.set(keyOf(lease), baseJobId);
  }

  /** A file's content is opened to be read. */
  opened(job: JobRef, process: Life, name: string): void {
    // What is lost is read again, and again where more turns out lost.
    if (this.hasLostAny) return;
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
