import type { StatsFs } from 'node:fs';
import { HoldfastError } from '@holdfast/core/errors';

const MIB = 1024 * 1024;
/** What a restore leaves to the host, at most; of a small file system one percent. */
const RESERVED_BYTES = 256 * MIB;
const RESERVED_FILES = 10_000;
const BYTES_BETWEEN_LOOKS = { least: 64 * 1024, most: 32 * MIB };
const ENTRIES_BETWEEN_LOOKS = { least: 16, most: 1_000 };

/**
 * Keeps a restore from filling the host up: it ends while there still is something left. A restore that wrote less than that
 * itself is let go on, so that a single file can be had back on a disk that is nearly full.
 */
export class TargetRoom {
  private bytes = 0;
  private entries = 0;
  private nextLookBytes = 0;
  private nextLookEntries = 0;

  constructor(private readonly look: () => Pick<StatsFs, 'bsize' | 'blocks' | 'bavail' | 'files' | 'ffree'>) {}

  /** Throws IllegalState when too little is left. */
  wrote(bytes: number): void {
    this.bytes += bytes;
    if (this.bytes >= this.nextLookBytes) this.check();
  }

  /** Throws IllegalState when too little is left. */
  made(): void {
    this.entries += 1;
    if (this.entries >= this.nextLookEntries) this.check();
  }

  private check(): void {
    const { bsize, blocks, bavail, files, ffree } = this.look();
    const reservedBytes = Math.min(RESERVED_BYTES, (blocks * bsize) / 100);
    if (this.bytes >= reservedBytes && bavail * bsize < reservedBytes) throw full('space');
    const reservedFiles = Math.min(RESERVED_FILES, files / 100);
    // Many file systems have no number of files, and say 0.
    if (files > 0 && this.entries >= reservedFiles && ffree < reservedFiles) throw full('files');
    this.nextLookBytes = this.bytes + partOf(bavail * bsize - reservedBytes, BYTES_BETWEEN_LOOKS);
    this.nextLookEntries = this.entries + partOf(files > 0 ? ffree - reservedFiles : Infinity, ENTRIES_BETWEEN_LOOKS);
  }
}

/** The less is left, the sooner one looks again. */
function partOf(left: number, { least, most }: { readonly least: number; readonly most: number }): number {
  return Math.min(most, Math.max(least, left / 4));
}

const WHAT_IS_LEFT = {
  space: 'hardly any space left, and the rest is kept for the host',
  files: 'hardly any room for files left, and the rest is kept for the host',
  nothing: "no space left, or the quota of the agent's user is used up",
};

/** What was left when the restore ended. */
export function full(left: keyof typeof WHAT_IS_LEFT): HoldfastError {
  return new HoldfastError({
    kind: 'IllegalState',
    code: 'TARGET_FULL',
    message: `The target has ${WHAT_IS_LEFT[left]}. What was restored so far stays: make room, and start the same restore again.`,
  });
}
