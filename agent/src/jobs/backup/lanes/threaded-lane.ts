import { Worker } from 'node:worker_threads';
import { fromWireError, HoldfastError } from '@holdfast/core/errors';
import type { AgentLog } from '../../../log.js';
import type { BatchResult, CutChunks } from './file-result.js';
import type { LaneJob, LaneLink, StartLane } from './lane-link.js';
import { type FromLane, ownResult, packRefs, type ToLane } from './lane-messages.js';

interface Pending {
  readonly resolve: (result: BatchResult | undefined) => void;
  readonly reject: (error: unknown) => void;
  readonly onPart: (chunks: CutChunks) => void;
}

export interface ThreadedLanePorts {
  readonly log: AgentLog;
}

/** Lanes in threads of their own, each for one job. */
export function threadedLanes({ log }: ThreadedLanePorts): StartLane {
  return (setup, job) => {
    const worker = new Worker(new URL('./lane.worker.js', import.meta.url), {
      name: 'lane',
      workerData: setup,
      // Its descriptors come from system calls of our own, and each is closed where it was opened.
      trackUnmanagedFds: false,
    });
    return new ThreadedLane(worker, job, log);
  };
}

class ThreadedLane implements LaneLink {
  private readonly pending = new Map<number, Pending>();
  private calls = 0;
  private ended: HoldfastError | undefined;
  private readonly exit: Promise<void>;

  constructor(
    private readonly worker: Worker,
    private readonly job: LaneJob,
    log: AgentLog,
  ) {
    // It must not keep a process alive that is done otherwise.
    worker.unref();
    worker.on('message', (message: FromLane) => this.take(message));
    worker.on('error', (error: unknown) => log.error({ err: error }, 'a lane failed'));
    this.exit = new Promise((resolve) => {
      worker.on('exit', () => {
        this.end();
        resolve();
      });
    });
  }

  async read(refs: Parameters<LaneLink['read']>[0], onPart: (chunks: CutChunks) => void): Promise<BatchResult> {
    const result = await this.call((call) => ({ kind: 'read', call, refs: packRefs(refs) }), onPart);
    if (result === undefined) throw new TypeError('a lane answered a read without a result');
    return result;
  }

  async finish(): Promise<void> {
    await this.call(
      (call) => ({ kind: 'finish', call }),
      () => undefined,
    );
  }

  close(): Promise<void> {
    this.tell({ kind: 'close' });
    return this.exit;
  }

  private call(message: (call: number) => ToLane, onPart: Pending['onPart']): Promise<BatchResult | undefined> {
    if (this.ended !== undefined) return Promise.reject(this.ended);
    return new Promise((resolve, reject) => {
      const call = this.calls++;
      this.pending.set(call, { resolve, reject, onPart });
      this.tell(message(call));
    });
  }

  private take(message: FromLane): void {
    switch (message.kind) {
      case 'part':
        this.pending.get(message.call)?.onPart(message.chunks);
        break;
      case 'answer':
        this.settle(message.call)?.resolve(message.result && ownResult(message.result));
        break;
      case 'failed':
        this.settle(message.call)?.reject(fromWireError(message.error));
        break;
      case 'question':
        void this.answer(message.question, message.claims);
        break;
      case 'want-buffer':
        void this.lend();
        break;
      case 'counted':
        this.job.host.counted(message);
        break;
      case 'pack':
        this.emit(message);
        break;
    }
  }

  /** A question that cannot be answered stays open, and with it what is being read: the job ends over it, and with it the lane. */
  private async answer(question: number, claims: Uint8Array): Promise<void> {
    try {
      const bits = await this.job.host.present(asBuffer(claims));
      this.tell({ kind: 'present', question, bits });
    } catch (error) {
      this.job.fail(error);
    }
  }

  private async lend(): Promise<void> {
    const memory = (await this.job.takeBuffer()).bytes.buffer as ArrayBuffer;
    this.tell({ kind: 'buffer', memory }, [memory]);
  }

  private emit({ packId, memory, frames: places, footer, bytes, spoiled }: FromLane & { kind: 'pack' }): void {
    const buffer = { bytes: Buffer.from(memory) };
    const frames = Array.from({ length: places.length / 2 }, (_, index) => {
      const offset = places[index * 2] as number;
      return buffer.bytes.subarray(offset, offset + (places[index * 2 + 1] as number));
    });
    const pack = { packId: asBuffer(packId), kind: 'DATA', buffer, frames, footer: asBuffer(footer), bytes } as const;
    this.job.emit({ ...pack, ...(spoiled !== undefined && { spoiled }) });
  }

  private settle(call: number): Pending | undefined {
    const waiting = this.pending.get(call);
    this.pending.delete(call);
    return waiting;
  }

  private tell(message: ToLane, handed: ArrayBuffer[] = []): void {
    this.worker.postMessage(message, handed);
  }

  private end(): void {
    this.ended = new HoldfastError({
      kind: 'Unavailable',
      code: 'LANE_ENDED',
      message: 'A thread that reads and seals files ended before its work did; the backup can be run again.',
    });
    for (const call of [...this.pending.keys()]) this.settle(call)?.reject(this.ended);
  }
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
