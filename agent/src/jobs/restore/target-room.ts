import type { StatsFs } from 'node:fs';
import { HoldfastError } from '@holdfast/core/errors';

const MIB = 1024 * 1024;
/** What a restore leaves to the host, at most; of a small file system one percent. */
const RESERVED_BYTES = 256 * MIB;
const RESERVED_FILES = 10_000;
const BYTES_BETWEEN_LOOKS = 32 * MIB;
const ENTRIES_BETWEEN_LOOKS = 1_000;

/**
 * Keeps a restore from filling the host up: it ends while there still is something left. A restore that wrote less than that
 * itself is let go on, so that a single file can be had back on a disk that is nearly full.
 */
export class TargetRoom {
  private bytes = 0;
  private entries = 0;
  private bytesLookedAt = 0;

  constructor(private readonly look: () => Pick<StatsFs, 'bsize' | 'blocks' | 'bavail' | 'files' | 'ffree'>) {}

  /** Throws IllegalState when too little is left. */
  wrote(bytes: number): void {
    this.bytes += bytes;
    if (this.bytes - this.bytesLookedAt < BYTES_BETWEEN_LOOKS) return;
    this.bytesLookedAt = this.bytes;
    this.check();
  }

  /** Throws IllegalState when too little is left. */
  made(): void {
    this.entries += 1;
    if (this.entries % ENTRIES_BETWEEN_LOOKS === 0) this.check();
  }

  private check(): void {
    const { bsize, blocks, bavail, files, ffree } = this.look();
    const reservedBytes = Math.min(RESERVED_BYTES, (blocks * bsize) / 100);
    if (this.bytes >= reservedBytes && bavail * bsize < reservedBytes) throw full('space');
    const reservedFiles = Math.min(RESERVED_FILES, files / 100);
    // Many file systems have no number of files, and say 0.
    if (files > 0 && this.entries >= reservedFiles && ffree < reservedFiles) throw full('files');
  }
}

function full(what: 'space' | 'files'): HoldfastError {
  return new HoldfastError({
    kind: 'IllegalState',
    code: 'TARGET_FULL',
    message: `The target has hardly any ${what === 'space' ? 'space' : 'room for files'} left, and the rest is kept for the host. What was restored so far stays.`,
  });
}
