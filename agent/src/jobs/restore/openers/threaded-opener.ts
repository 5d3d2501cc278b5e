import { Worker } from 'node:worker_threads';
import { fromWireError, HoldfastError } from '@holdfast/core/errors';
import { ownMemory } from '../../../platform/cloned.js';
import type { IncomingFrame } from '../../data-transport.js';
import { type FrameOpener, HereOpener, type NamedChunk, type OpeningKeys } from './frame-opener.js';
import { type FromOpener, type ToOpener, unpackChunks } from './opener-messages.js';

/** A restore of less needs no further thread. */
const BYTES_OPENED_HERE = 4 * 1024 * 1024;

interface Waiting {
  readonly resolve: (chunks: readonly NamedChunk[]) => void;
  readonly reject: (error: unknown) => void;
}

/** Opens frames in threads of their own, once there are many. */
export class ThreadedOpener implements FrameOpener {
  private readonly here: HereOpener;
  private readonly threads: OpenerThread[] = [];
  private bytes = 0;

  /** @param most threads */
  constructor(
    private readonly keys: OpeningKeys,
    private readonly most: number,
  ) {
    this.here = new HereOpener(keys);
  }

  open(frame: IncomingFrame): Promise<readonly NamedChunk[]> {
    this.bytes += frame.stored.length;
    return this.bytes <= BYTES_OPENED_HERE ? this.here.open(frame) : this.leastBusy().open(frame);
  }

  /** Lets go of the threads once they have opened what they have. */
  close(): void {
    for (const thread of this.threads) thread.close();
  }

  private leastBusy(): OpenerThread {
    const least = this.threads.toSorted((a, b) => a.underWay - b.underWay)[0];
    if (least !== undefined && (least.underWay === 0 || this.threads.length >= this.most)) return least;
    const thread = new OpenerThread(this.keys);
    this.threads.push(thread);
    return thread;
  }
}

class OpenerThread {
  private readonly worker: Worker;
  private readonly calls = new Map<number, Waiting>();
  private next = 0;
  private failure: Error | undefined;

  constructor(keys: OpeningKeys) {
    const { vaultId, idKey, transportKey } = keys;
    this.worker = new Worker(new URL('./opener.worker.js', import.meta.url), {
      name: 'opener',
      workerData: { vaultId, idKey, transportKey },
      trackUnmanagedFds: false,
    });
    // It must not keep a process alive that is done otherwise.
    this.worker.unref();
    this.worker.on('message', (message: FromOpener) => this.answered(message));
    this.worker.on('error', (error) => this.end(asError(error)));
    this.worker.on('exit', () => this.end(ended()));
  }

  get underWay(): number {
    return this.calls.size;
  }

  open(frame: IncomingFrame): Promise<readonly NamedChunk[]> {
    return new Promise((resolve, reject) => {
      if (this.failure !== undefined) return reject(this.failure);
      const call = this.next++;
      this.calls.set(call, { resolve, reject });
      this.tell({ kind: 'open', call, frame }, ownMemory(frame.stored));
    });
  }

  close(): void {
    this.tell({ kind: 'close' });
  }

  private answered(message: FromOpener): void {
    const waiting = this.calls.get(message.call);
    this.calls.delete(message.call);
    if ('opened' in message) waiting?.resolve(unpackChunks(message.opened));
    else waiting?.reject(fromWireError(message.error));
  }

  private end(failure: Error): void {
    this.failure ??= failure;
    for (const { reject } of this.calls.values()) reject(this.failure);
    this.calls.clear();
  }

  private tell(message: ToOpener, handed: ArrayBuffer[] = []): void {
    this.worker.postMessage(message, handed);
  }
}

function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}

function ended(): HoldfastError {
  return new HoldfastError({
    kind: 'Unavailable',
    code: 'OPENER_ENDED',
    message: 'A thread that opens what is restored ended before its work did; the restore can be run again.',
  });
}
