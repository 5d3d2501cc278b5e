import { Worker } from 'node:worker_threads';
import { fromWireError, HoldfastError, toWireError } from '@holdfast/core/errors';
import type { AgentLog } from '../../../log.js';
import { withBuffers } from '../../../platform/cloned.js';
import type { ReadSession, ReadTransport } from '../../data-transport.js';
import type { RestoreCommand, RestoreOutcome } from '../../job.js';
import type { JobRun } from '../../job-run.js';
import { ReadsForThread } from './reads-for-thread.js';
import type { FromRestore, OwnFolders, RestoreSetup, RunState, ToRestore } from './restore-messages.js';

export interface ThreadedRestorePorts {
  readonly transport: ReadTransport;
  /** The host's own limits; undefined: anywhere. */
  readonly restoreRoots: () => Promise<readonly string[] | undefined>;
  /** As they are now. */
  readonly ownFolders: () => OwnFolders;
  /** In the agent's state: see `RestoreJournals`. */
  readonly journalFolder: string;
  readonly log: AgentLog;
}

/** One restore in a thread of its own, while this one talks to the server. As `runRestore` otherwise. */
export async function restoreInThread(
  command: RestoreCommand,
  run: JobRun,
  ports: ThreadedRestorePorts,
): Promise<RestoreOutcome> {
  run.throwIfStopped();
  const setup: RestoreSetup = {
    command,
    restoreRoots: await ports.restoreRoots(),
    own: ports.ownFolders(),
    journalFolder: ports.journalFolder,
  };
  const thread = new RestoreThread(setup, run, ports);
  try {
    return await thread.outcome;
  } finally {
    await thread.close();
  }
}

class RestoreThread {
  readonly outcome: Promise<RestoreOutcome>;
  private readonly settle: {
    readonly resolve: (outcome: RestoreOutcome) => void;
    readonly reject: (error: unknown) => void;
  };
  private readonly worker: Worker;
  private opening: Promise<void> = Promise.resolve();
  private session: ReadSession | undefined;
  private reads: ReadsForThread | undefined;
  private readonly stop = (): void => this.tell({ kind: 'stop', reason: String(this.run.signal.reason) });

  constructor(
    private readonly setup: RestoreSetup,
    private readonly run: JobRun,
    private readonly ports: ThreadedRestorePorts,
  ) {
    const { promise, ...settle } = Promise.withResolvers<RestoreOutcome>();
    this.outcome = promise;
    this.settle = settle;
    this.worker = new Worker(new URL('./restore.worker.js', import.meta.url), {
      name: 'restore',
      workerData: setup,
      // Its descriptors come from system calls of our own, and each is closed where it was opened.
      trackUnmanagedFds: false,
    });
    // It must not keep a process alive that is done otherwise.
    this.worker.unref();
    this.worker.on('message', (message: FromRestore) => this.take(message));
    this.worker.on('error', (error: unknown) => ports.log.error({ err: error }, 'the thread of a restore failed'));
    this.worker.on('exit', () => settle.reject(ended()));
    run.signal.addEventListener('abort', this.stop, { once: true });
    // Stopped while the thread was being made.
    if (run.signal.aborted) this.stop();
  }

  async close(): Promise<void> {
    this.run.signal.removeEventListener('abort', this.stop);
    // The thread may have ended over it.
    await this.opening;
    await this.reads?.close();
    await this.session?.close();
  }

  private take(message: FromRestore): void {
    switch (message.kind) {
      case 'rootIgnored': {
        const { root, reason } = message;
        this.ports.log.warn({ root, reason }, 'a folder of restoreRoots cannot be used: it allows no restores');
        break;
      }
      case 'open':
        this.opening = this.open(message.call);
        break;
      case 'read':
        this.reads?.begin(message.call, message.ids.map(withBuffers), message.avoidPacks.map(withBuffers));
        break;
      case 'taken':
        this.reads?.taken(message.call);
        break;
      case 'leave':
        this.reads?.leave(message.call);
        break;
      case 'progress':
        this.copy(message.state);
        break;
      case 'ended':
        this.copy(message.state);
        this.run.notices.takeOver(withBuffers(message.notices));
        this.end(message);
        break;
    }
  }

  private end({ end }: FromRestore & { kind: 'ended' }): void {
    if ('outcome' in end) this.settle.resolve(end.outcome);
    else this.settle.reject(Object.assign(fromWireError(end.error), end.stack !== undefined && { stack: end.stack }));
  }

  /** Never rejects. */
  private async open(call: number): Promise<void> {
    try {
      const { job } = this.setup.command;
      this.session = await this.ports.transport.openSession(job, this.run.signal, this.run.onWait);
      this.reads = new ReadsForThread(this.session, this.run.signal, (message, handed) => this.tell(message, handed));
      this.tell({ kind: 'done', call });
    } catch (error) {
      this.tell({ kind: 'failed', call, error: toWireError(error) });
    }
  }

  private copy({ phase, counters, expectedBytes, expectedEntries }: RunState): void {
    Object.assign(this.run, { phase, expectedBytes, expectedEntries });
    Object.assign(this.run.counters, counters);
  }

  private tell(message: ToRestore, handed: ArrayBuffer[] = []): void {
    this.worker.postMessage(message, handed);
  }
}

function ended(): HoldfastError {
  return new HoldfastError({
    kind: 'Unavailable',
    code: 'RESTORE_THREAD_ENDED',
    message: 'The thread that restores ended before its work did; the restore can be run again.',
  });
}
