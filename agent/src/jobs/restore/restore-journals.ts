import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { FileJournal } from '../../workloads/files/restore-journal.js';
import type { RestoreCommand } from '../job.js';

const KEPT_MS = 30 * 24 * 3_600_000;

/** The journals of restores, in the agent's state: one for each part of a point and folder that it is restored to. */
export class RestoreJournals {
  /** @param folder in the agent's state */
  constructor(private readonly folder: string) {}

  /** @param target a path that leads to the folder restored to; where there is none yet, nothing is known of it. */
  of({ job, pointId, base }: Pick<RestoreCommand, 'job' | 'pointId' | 'base'>, target: Buffer): FileJournal {
    return new FileJournal(path.join(this.folder, nameOf(pointId, base, target)), job.jobId);
  }

  /** What names beside the target say of the restore that gave them: no two of one point run at one time. */
  markOf({ pointId, base }: Pick<RestoreCommand, 'pointId' | 'base'>): string {
    return `${hashOf(`${pointId} `, base)}-`;
  }

  /** Those that nobody came back for. */
  removeOld(): void {
    try {
      for (const name of fs.readdirSync(this.folder)) {
        const file = path.join(this.folder, name);
        if (Date.now() - fs.statSync(file).mtimeMs > KEPT_MS) fs.rmSync(file, { force: true });
      }
    } catch {
      // Another time.
    }
  }
}

function nameOf(pointId: string, base: Buffer, target: Buffer): string {
  return hashOf(`${pointId} ${identityOf(target)} `, base);
}

function hashOf(what: string, base: Buffer): string {
  return createHash('sha256').update(what).update(base).digest('hex').slice(0, 32);
}

function identityOf(target: Buffer): string {
  try {
    // Numbers of inodes are given again.
    const { dev, ino, birthtimeNs } = fs.statSync(target, { bigint: true });
    return `${dev} ${ino} ${birthtimeNs}`;
  } catch {
    return 'none';
  }
}
