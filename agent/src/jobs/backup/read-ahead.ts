import type { FileResult } from './lanes/file-result.js';
import { SMALL_FILE_BYTES } from './lanes/lane.js';
import type { FileToRead, LanePool } from './lanes/lane-pool.js';
import { SECTION_BYTES } from './lanes/sections.js';

const FILES_PER_CALL = 128;
const BYTES_PER_CALL = 8 * 1024 * 1024;

interface Waiting {
  readonly file: FileToRead;
  readonly settle: (result: Promise<FileResult>) => void;
}

/** Gathers small files into calls that are worth making; large ones go alone, so that lanes share them out. */
export class ReadAhead {
  private waiting: Waiting[] = [];
  private bytes = 0;

  constructor(private readonly lanes: Pick<LanePool, 'read' | 'readLong'>) {}

  /** Resolves once the file is read; call `flush` when no more files are to come. */
  read(file: FileToRead): Promise<FileResult> {
    const { size } = file.ref.stamp;
    if (size >= SMALL_FILE_BYTES) this.flush();
    const result = size > SECTION_BYTES ? this.lanes.readLong(file) : this.gather(file);
    // Whoever reads on meets the failure where the result is awaited, if nothing else ended the backup before.
    result.catch(() => undefined);
    if (size >= SMALL_FILE_BYTES || this.waiting.length >= FILES_PER_CALL || this.bytes >= BYTES_PER_CALL) this.flush();
    return result;
  }

  private gather(file: FileToRead): Promise<FileResult> {
    this.bytes += file.ref.stamp.size;
    return new Promise((resolve) => {
      this.waiting.push({ file, settle: resolve });
    });
  }

  flush(): void {
    const waiting = this.waiting;
    if (waiting.length === 0) return;
    this.waiting = [];
    this.bytes = 0;
    const results = this.lanes.read(waiting.map(({ file }) => file));
    for (const [index, { settle }] of waiting.entries()) settle(results.then((all) => all[index] as FileResult));
  }
}
