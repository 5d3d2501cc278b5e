import { Worker } from 'node:worker_threads';
import { fromWireError, HoldfastError } from '@holdfast/core/errors';
import {
  type NewFile,
  type NewFileResult,
  type NewFileWriters,
  writeNewFile,
} from '../../../workloads/files/new-file.js';
import { type FromWriter, packFiles, type ToWriter } from './writer-messages.js';

const FILES_PER_BATCH = 64;
const BYTES_PER_BATCH = 1024 * 1024;

interface Waiting {
  readonly file: NewFile;
  readonly resolve: (result: NewFileResult) => void;
  readonly reject: (error: unknown) => void;
}

/** Threads that make files. The first ones are started for the first whole batch: a restore of a few files needs none. */
export class ThreadedWriters implements NewFileWriters {
  private readonly threads: WriterThread[] = [];
  private waiting: Waiting[] = [];
  private waitingBytes = 0;
  private isDue = false;

  /** @param most threads */
  constructor(private readonly most: number) {}

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

  /** Lets go of the threads once they have written what they have. */
  close(): void {
    for (const thread of this.threads) thread.close();
  }

  /** Nothing more comes for now. */
  private rest(): void {
    if (this.threads.length > 0) {
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
    if (batch.length > 0) this.leastBusy().write(batch);
  }

  private take(): Waiting[] {
    const batch = this.waiting;
    this.waiting = [];
    this.waitingBytes = 0;
    return batch;
  }

  private leastBusy(): WriterThread {
    const least = this.threads.reduce<WriterThread | undefined>(
      (best, each) => (best === undefined || each.filesUnderWay < best.filesUnderWay ? each : best),
      undefined,
    );
    if (least !== undefined && (least.filesUnderWay === 0 || this.threads.length >= this.most)) return least;
    const thread = new WriterThread();
    this.threads.push(thread);
    return thread;
  }
}

class WriterThread {
  filesUnderWay = 0;
  private readonly worker: Worker;
  private readonly batches = new Map<number, readonly Waiting[]>();
  private next = 0;
  private failure: unknown;

  constructor() {
    this.worker = new Worker(new URL('./writer.worker.js', import.meta.url), {
      name: 'writer',
      // Its descriptors come from system calls of our own, and each is closed where it was opened.
      trackUnmanagedFds: false,
    });
    // It must not keep a process alive that is done otherwise.
    this.worker.unref();
    this.worker.on('message', (message: FromWriter) => this.answered(message));
    this.worker.on('error', (error) => this.end(error));
    this.worker.on('exit', () => this.end(ended()));
  }

  write(batch: readonly Waiting[]): void {
    if (this.failure !== undefined) {
      for (const { reject } of batch) reject(this.failure);
      return;
    }
    const number = this.next++;
    this.batches.set(number, batch);
    this.filesUnderWay += batch.length;
    const files = packFiles(batch.map(({ file }) => file));
    this.tell({ kind: 'write', batch: number, files }, [files.contents]);
  }

  close(): void {
    this.tell({ kind: 'close' });
  }

  private answered(message: FromWriter): void {
    const batch = this.batches.get(message.batch) ?? [];
    this.batches.delete(message.batch);
    this.filesUnderWay -= batch.length;
    for (const [index, { resolve, reject }] of batch.entries()) {
      const result = 'results' in message ? message.results[index] : undefined;
      if (result !== undefined) resolve(result);
      else reject('error' in message ? fromWireError(message.error) : ended());
    }
  }

  private end(failure: unknown): void {
    this.failure ??= failure;
    for (const batch of this.batches.values()) for (const { reject } of batch) reject(this.failure);
    this.batches.clear();
  }

  private tell(message: ToWriter, handed: ArrayBuffer[] = []): void {
    this.worker.postMessage(message, handed);
  }
}

function ended(): HoldfastError {
  return new HoldfastError({
    kind: 'Unavailable',
    code: 'WRITER_ENDED',
    message: 'A thread that writes restored files ended before its work did; the restore can be run again.',
  });
}
