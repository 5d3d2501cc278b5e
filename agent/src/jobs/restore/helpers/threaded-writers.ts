import {
  type NewFile,
  type NewFileResult,
  type NewFileWriters,
  writeNewFile,
} from '../../../workloads/files/new-file.js';
import type { HelperThreads } from './helper-threads.js';
import { packFiles } from './packed-files.js';

const FILES_PER_BATCH = 64;
const BYTES_PER_BATCH = 1024 * 1024;
/** Making a file takes as long as writing so many bytes. */
const COST_PER_FILE = 64 * 1024;

interface Waiting {
  readonly file: NewFile;
  readonly resolve: (result: NewFileResult) => void;
  readonly reject: (error: unknown) => void;
}

/** Files are made by helpers, many at a time. A restore of a few files needs none. */
export class ThreadedWriters implements NewFileWriters {
  private waiting: Waiting[] = [];
  private waitingBytes = 0;
  private isDue = false;

  constructor(private readonly helpers: HelperThreads) {}

  write(file: NewFile): Promise<NewFileResult> {
    return new Promise((resolve, reject) => {
      this.waiting.push({ file, resolve, reject });
      this.waitingBytes += file.content.length;
      if (this.waiting.length >= FILES_PER_BATCH || this.waitingBytes >= BYTES_PER_BATCH) this.hand();
      else if (!this.isDue) {
        this.isDue = true;
        setImmediate(() => {
          this.isDue = false;
          this.rest();
        });
      }
    });
  }

  /** Nothing more comes for now. */
  private rest(): void {
    if (this.helpers.areRunning) {
      this.hand();
      return;
    }
    for (const { file, resolve, reject } of this.take()) {
      try {
        resolve(writeNewFile(file));
      } catch (error) {
        reject(error);
      }
    }
  }

  private hand(): void {
    const batch = this.take();
    if (batch.length === 0) return;
    const files = packFiles(batch.map(({ file }) => file));
    const cost = files.contents.byteLength + batch.length * COST_PER_FILE;
    this.helpers.do({ kind: 'write', files }, cost, [files.contents]).then(
      (results) => {
        for (const [index, { resolve }] of batch.entries()) resolve(results[index] as NewFileResult);
      },
      (error: unknown) => {
        for (const { reject } of batch) reject(error);
      },
    );
  }

  private take(): Waiting[] {
    const batch = this.waiting;
    this.waiting = [];
    this.waitingBytes = 0;
    return batch;
  }
}
