import { Worker } from 'node:worker_threads';
import { fromWireError, HoldfastError } from '@holdfast/core/errors';
import type { FrameKeys } from '../frame-opener.js';
import type { Done, FromHelper, ToHelper, Work } from './helper-messages.js';

export type StartHelper = (keys: FrameKeys) => Worker;

interface UnderWay {
  readonly cost: number;
  readonly resolve: (done: never) => void;
  readonly reject: (error: Error) => void;
}

/** Threads that a restore hands work to. They are started one by one, when there is work and those that run have some. */
export class HelperThreads {
  private readonly threads: HelperThread[] = [];

  constructor(
    private readonly keys: FrameKeys,
    private readonly most: number,
    /** Starts a thread, where its built file is not beside this one. */
    private readonly startThread: StartHelper = startBuilt,
  ) {}

  get areRunning(): boolean {
    return this.threads.length > 0;
  }

  /** What the least busy of them has before it, at the cost that it was given for; those that can still be started have nothing. */
  get leastCost(): number {
    return this.threads.length < this.most ? 0 : Math.min(...this.threads.map(({ cost }) => cost));
  }

  /** @param cost about how many bytes could be written in the time that it takes */
  do<Kind extends keyof Done>(work: Work & { kind: Kind }, cost: number, handed: ArrayBuffer[]): Promise<Done[Kind]> {
    return this.leastBusy().do(work, cost, handed) as Promise<Done[Kind]>;
  }

  /** Lets go of the threads once they have done what they have. */
  close(): void {
    for (const thread of this.threads) thread.close();
  }

  private leastBusy(): HelperThread {
    const least = this.threads.reduce<HelperThread | undefined>(
      (best, each) => (best === undefined || each.cost < best.cost ? each : best),
      undefined,
    );
    if (least !== undefined && (least.cost === 0 || this.threads.length >= this.most)) return least;
    const thread = new HelperThread(this.startThread(this.keys));
    this.threads.push(thread);
    return thread;
  }
}

class HelperThread {
  /** Of what it has before it. */
  cost = 0;
  private readonly underWay = new Map<number, UnderWay>();
  private next = 0;
  private failure: Error | undefined;

  constructor(private readonly worker: Worker) {
    // It must not keep a process alive that is done otherwise.
    this.worker.unref();
    this.worker.on('message', (message: FromHelper) => this.answered(message));
    this.worker.on('error', (error: Error) => this.end(error));
    this.worker.on('exit', () => this.end(ended()));
  }

  do(work: Work, cost: number, handed: ArrayBuffer[]): Promise<unknown> {
    if (this.failure !== undefined) return Promise.reject(this.failure);
    return new Promise((resolve, reject) => {
      const number = this.next++;
      this.underWay.set(number, { cost, resolve, reject });
      this.cost += cost;
      this.tell({ kind: 'do', number, work }, handed);
    });
  }

  close(): void {
    this.tell({ kind: 'close' });
  }

  private answered(message: FromHelper): void {
    const answered = this.underWay.get(message.number);
    if (answered === undefined) return;
    this.underWay.delete(message.number);
    this.cost -= answered.cost;
    if ('done' in message) answered.resolve(message.done as never);
    else answered.reject(fromWireError(message.error));
  }

  private end(failure: Error): void {
    this.failure ??= failure;
    for (const { reject } of this.underWay.values()) reject(this.failure);
    this.underWay.clear();
  }

  private tell(message: ToHelper, handed: ArrayBuffer[] = []): void {
    this.worker.postMessage(message, handed);
  }
}

function startBuilt({ vaultId, idKey, transportKey }: FrameKeys): Worker {
  return new Worker(new URL('./helper.worker.js', import.meta.url), {
    name: 'helper',
    workerData: { vaultId, idKey, transportKey },
    // Its descriptors come from system calls of our own, and each is closed where it was opened.
    trackUnmanagedFds: false,
  });
}

function ended(): HoldfastError {
  return new HoldfastError({
    kind: 'Unavailable',
    code: 'RESTORE_THREAD_ENDED',
    message: 'A thread of a restore ended before its work did; the restore can be run again.',
  });
}
