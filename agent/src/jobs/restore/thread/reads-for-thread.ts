import { toWireError } from '@holdfast/core/errors';
import { ownMemory } from '../../../platform/cloned.js';
import type { ReadAnswer, ReadSession } from '../../data-transport.js';
import type { ToRestore } from './restore-messages.js';

/** Answers of one read that the other thread has not taken yet: enough that it never waits, few enough to be held. */
const MOST_WAITING_BYTES = 4 * 1024 * 1024;

interface Read {
  /** Bytes of each answer that was not taken yet. */
  readonly waiting: number[];
  waitingBytes: number;
  left: boolean;
  wake: () => void;
  readonly done: Promise<void>;
}

/** Reads chunks for a restore in another thread, no further ahead than it takes them. */
export class ReadsForThread {
  private readonly reads = new Map<number, Read>();

  constructor(
    private readonly session: Pick<ReadSession, 'readChunks'>,
    private readonly signal: AbortSignal,
    private readonly tell: (message: ToRestore, handed?: ArrayBuffer[]) => void,
  ) {}

  begin(call: number, ids: readonly Buffer[], avoidPacks: readonly Buffer[]): void {
    const { promise, resolve } = Promise.withResolvers<void>();
    const read: Read = { waiting: [], waitingBytes: 0, left: false, wake: () => undefined, done: promise };
    this.reads.set(call, read);
    void this.run(call, read, ids, avoidPacks).then(() => {
      this.reads.delete(call);
      resolve();
    });
  }

  taken(call: number): void {
    const read = this.reads.get(call);
    if (read === undefined) return;
    read.waitingBytes -= read.waiting.shift() ?? 0;
    read.wake();
  }

  leave(call: number): void {
    const read = this.reads.get(call);
    if (read === undefined) return;
    read.left = true;
    read.wake();
  }

  /** Nothing runs any more. */
  async close(): Promise<void> {
    for (const call of this.reads.keys()) this.leave(call);
    await Promise.all([...this.reads.values()].map(({ done }) => done));
  }

  /** Never rejects. */
  private async run(call: number, read: Read, ids: readonly Buffer[], avoidPacks: readonly Buffer[]): Promise<void> {
    try {
      for await (const answer of this.session.readChunks(ids, avoidPacks, this.signal)) {
        if (read.left) return;
        this.pass(call, read, answer);
        while (read.waitingBytes >= MOST_WAITING_BYTES && !read.left)
          await new Promise<void>((resolve) => (read.wake = resolve));
      }
      this.tell({ kind: 'done', call });
    } catch (error) {
      this.tell({ kind: 'failed', call, error: toWireError(error) });
    }
  }

  private pass(call: number, read: Read, answer: ReadAnswer): void {
    const bytes = answer.kind === 'frame' ? answer.frame.stored : undefined;
    read.waiting.push(bytes?.length ?? 0);
    read.waitingBytes += bytes?.length ?? 0;
    this.tell({ kind: 'read', call, answer }, bytes === undefined ? [] : ownMemory(bytes));
  }
}
