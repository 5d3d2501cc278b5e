import { parsePackFooter } from '@holdfast/core/engine';
import { HoldfastError } from '@holdfast/core/errors';
import { splitIds } from '../ids.js';
import type { JobRun } from '../job-run.js';
import type { Existence } from './existence.js';

/**
 * Packs that turned out, before they left or as the gateway checked them, to hold something else than what was sealed: the host computes
 * wrongly, or a bit flipped in its memory. What they held counts as missing, so that the next walk reads it from its source and sends it anew.
 */
export class SpoiledPacks {
  private count: number;
  private reason: string;

  constructor(
    private readonly existence: Pick<Existence, 'missing'>,
    before: SpoiledPacks | undefined,
  ) {
    this.count = before?.count ?? 0;
    this.reason = before?.reason ?? '';
  }

  /** Throws Integrity when the footer is spoiled as well. */
  add(footer: Buffer, reason: string): void {
    this.count += 1;
    this.reason = reason;
    for (const { chunkIds } of parsePackFooter(footer).frames)
      for (const id of splitIds(chunkIds)) this.existence.missing(id);
  }

  /** Whoever runs the host learns of it from the job, also when all went well in the end. */
  tell({ notices, counters }: JobRun, path: Buffer): void {
    if (this.count === 0) return;
    notices.add(path, 'DAMAGED', `${this.words} They were made anew. Have this host's memory tested.`);
    counters.warnings = notices.total;
  }

  /** What a backup ends with that never had a whole pack to send; undefined when none was spoiled. */
  failure(): HoldfastError | undefined {
    if (this.count === 0) return undefined;
    return new HoldfastError({
      kind: 'Integrity',
      code: 'PACKS_SPOILED',
      message: `${this.words} They could not be made anew. Have this host's memory tested.`,
    });
  }

  private get words(): string {
    return `Packs were damaged on this host before the vault had them: ${this.count}, the last because: ${this.reason}`;
  }
}
