import { HoldfastError } from '@holdfast/core/errors';
import type { Expected, JobPhase, JobProgress, JobRef, PathNotice } from './job.js';
import { zeroCounters } from './job.js';
import { Notices } from './notices.js';

/** One run of one job under one lease: what its runner fills in, and how it is stopped. */
export class JobRun {
  readonly counters = zeroCounters();
  readonly notices = new Notices();
  phase: JobPhase = 'PREPARING';
  /** What it cannot go on without, in words, while it waits for that. */
  waitingFor = '';
  /** Of a backup: set once its roots were looked at. */
  rootTroubles: readonly PathNotice[] | undefined;
  /** 0 while unknown. */
  expectedBytes: number;
  expectedEntries: number;
  private readonly controller = new AbortController();

  constructor(
    readonly job: JobRef,
    expected: Expected = { expectedBytes: 0, expectedEntries: 0 },
  ) {
    this.expectedBytes = expected.expectedBytes;
    this.expectedEntries = expected.expectedEntries;
  }

  readonly onWait = (words: string): void => {
    this.waitingFor = words;
  };

  get signal(): AbortSignal {
    return this.controller.signal;
  }

  /** The first reason counts. */
  stop(reason: string): void {
    this.controller.abort(reason);
  }

  get stopReason(): string | undefined {
    return this.signal.aborted ? String(this.signal.reason) : undefined;
  }

  /** Throws Cancelled. */
  throwIfStopped(): void {
    if (this.signal.aborted)
      throw new HoldfastError({ kind: 'Cancelled', code: 'JOB_STOPPED', message: 'The job was stopped.' });
  }

  progress(): JobProgress {
    const { job, phase, counters, expectedBytes, expectedEntries, waitingFor } = this;
    return { job, phase, counters: { ...counters }, expectedBytes, expectedEntries, waitingFor };
  }
}
