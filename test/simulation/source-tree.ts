import { linkSync, mkdirSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Random } from '@holdfast/core/ids';
import { describeFolder } from '../../agent/src/jobs/testing/backup-bench.js';
import type { SeededChance } from '../kit/seeded-chance.js';

const KIB = 1024;
/** Longer files are cut into chunks, which costs time: they are seldom. */
const LONG_BYTES = 560 * KIB;

/** A small tree that changes from backup to backup: one name per file, never used again. */
export class SourceTree {
  private made = 0;

  constructor(
    readonly folder: string,
    private readonly chance: SeededChance,
    private readonly random: Random,
  ) {
    for (const name of ['a', 'b/c', 'empty']) mkdirSync(join(folder, name), { recursive: true });
    this.add(4 + chance.below(10));
    symlinkSync('../a', join(folder, 'b/link'));
  }

  describe(): ReturnType<typeof describeFolder> {
    return describeFolder(this.folder);
  }

  /** Some files are new, some are gone. */
  change(): void {
    const { chance } = this;
    for (const folder of ['a', 'b/c'])
      for (const name of readdirSync(join(this.folder, folder)))
        if (chance.below(6) === 0) rmSync(join(this.folder, folder, name));
    this.add(chance.below(7));
  }

  private add(count: number): void {
    const { chance } = this;
    for (let left = count; left > 0; left--) {
      const path = join(this.folder, chance.pick(['a', 'b', 'b/c']), `file-${this.made++}`);
      const bytes = chance.below(30) === 0 ? LONG_BYTES : chance.pick([0, 10, 3 * KIB, 30 * KIB, 50 * KIB]);
      // Some are made of what others have: their chunks are known already.
      writeFileSync(path, chance.below(8) === 0 ? Buffer.alloc(bytes, 7) : this.random.bytes(bytes));
      if (chance.below(9) === 0) linkSync(path, `${path}-again`);
    }
  }
}
