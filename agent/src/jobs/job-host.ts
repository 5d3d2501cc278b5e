import type { Timers } from '@holdfast/core/clock';
import { asHoldfastError, isHoldfastError, toWireError } from '@holdfast/core/errors';
import type { AgentLog } from '../log.js';
import { errorFacts } from '../log.js';
import type {
  BackupCommand,
  BackupOutcome,
  FinishedJob,
  JobCommand,
  JobOutcome,
  JobProgress,
  JobRef,
  RestoreCommand,
  RestoreOutcome,
} from './job.js';
import { sameLease } from './job.js';
import { JobRun } from './job-run.js';
import { Turns } from './turns.js';

/** What the server is told. */
export interface JobReports {
  accepted(job: JobRef): void;
  progress(progress: JobProgress): void;
  /** Resolves once the result cannot be lost by a crash of the agent, or its disk has refused to keep it. Never rejects. */
  finished(finished: FinishedJob): Promise<void>;
}

export interface JobRunners {
  backup(command: BackupCommand, run: JobRun): Promise<BackupOutcome>;
  restore(command: RestoreCommand, run: JobRun): Promise<RestoreOutcome>;
}

const PROGRESS_MS = 500;
/** Backups beyond this many wait, accepted, for their turn; restores never wait. */
const PARALLEL_BACKUPS = 2;

/** Why a job was stopped: only a cancelled one is reported. */
type StopReason = 'cancelled' | 'fenced' | 'stopping';

interface Active {
  readonly run: JobRun;
  readonly done: Promise<void>;
}

/** Carries out the server's commands, each under its lease, and reports how they end. */
export class JobHost {
  private readonly active = new Map<string, Active>();
  private readonly turns = new Turns(PARALLEL_BACKUPS);
  private stopping = false;

  constructor(
    private readonly ports: {
      readonly runners: JobRunners;
      readonly reports: JobReports;
      readonly timers: Timers;
      readonly log: AgentLog;
    },
  ) {}

  running(): readonly JobRef[] {
    return [...this.active.values()].map(({ run }) => run.job);
  }

  /** A command that is repeated under the same lease is only confirmed again; under a later lease the earlier run is stopped first. */
  start(command: JobCommand): void {
    if (this.stopping) return;
    const before = this.active.get(command.job.jobId);
    if (before !== undefined && before.run.job.epoch >= command.job.epoch) {
      if (sameLease(before.run.job, command.job)) this.ports.reports.accepted(command.job);
      return;
    }
    before?.run.stop('fenced' satisfies StopReason);
    const run = new JobRun(command.job, command);
    const done = this.carryOut(command, run, before?.done).finally(() => {
      if (this.active.get(command.job.jobId)?.run === run) this.active.delete(command.job.jobId);
    });
    this.active.set(command.job.jobId, { run, done });
    this.ports.reports.accepted(command.job);
  }

  cancel(job: JobRef): void {
    this.stopRun(job, 'cancelled');
  }

  /** The lease is no longer this agent's: nothing may be committed or reported. */
  fence(job: JobRef): void {
    this.stopRun(job, 'fenced');
  }

  /** Stops everything without a report: the leases end, and the server gives the jobs out again. */
  async stop(): Promise<void> {
    this.stopping = true;
    for (const { run } of this.active.values()) run.stop('stopping' satisfies StopReason);
    await Promise.all([...this.active.values()].map(({ done }) => done));
  }

  private stopRun(job: JobRef, reason: StopReason): void {
    const found = this.active.get(job.jobId);
    if (found !== undefined && sameLease(found.run.job, job)) found.run.stop(reason);
  }

  private async carryOut(command: JobCommand, run: JobRun, earlier: Promise<void> | undefined): Promise<void> {
    const { reports, log } = this.ports;
    const facts = { job: run.job.jobId, epoch: Number(run.job.epoch), kind: command.kind };
    await earlier;
    log.info(facts, 'job started');
    const stopProgress = this.reportProgress(run);
    const outcome = await this.outcomeOf(command, run);
    stopProgress();
    log.info(
      {
        ...facts,
        outcome: outcome?.kind ?? run.stopReason,
        ...(outcome?.kind === 'failure' && { code: outcome.error.code, reason: outcome.error.message }),
      },
      'job ended',
    );
    if (outcome === undefined) return;
    await reports.finished({
      job: run.job,
      counters: { ...run.counters },
      notices: run.notices.kept,
      noticesTotal: run.notices.total,
      rootTroubles: run.rootTroubles,
      outcome,
    });
  }

  private async outcomeOf(command: JobCommand, run: JobRun): Promise<JobOutcome | undefined> {
    try {
      if (command.kind === 'restore') return await this.ports.runners.restore(command, run);
      return await this.inTurn(run, () => this.ports.runners.backup(command, run));
    } catch (error) {
      const reason = run.stopReason as StopReason | undefined;
      if (reason === 'fenced' || reason === 'stopping') return undefined;
      if (reason === 'cancelled' && (isHoldfastError(error, 'Cancelled') || (error as Error).name === 'AbortError'))
        return { kind: 'cancelled' };
      const failure = asHoldfastError(error);
      if (failure.kind === 'Internal')
        this.ports.log.error({ job: run.job.jobId, ...errorFacts(error) }, 'a job failed unexpectedly');
      return { kind: 'failure', error: toWireError(failure) };
    }
  }

  private async inTurn<T>(run: JobRun, work: () => Promise<T>): Promise<T> {
    await this.turns.enter(run.signal);
    try {
      return await work();
    } finally {
      this.turns.leave();
    }
  }

  private reportProgress(run: JobRun): () => void {
    let cancel = (): void => {};
    const tick = (): void => {
      this.ports.reports.progress(run.progress());
      cancel = this.ports.timers.after(PROGRESS_MS, tick);
    };
    cancel = this.ports.timers.after(PROGRESS_MS, tick);
    return () => cancel();
  }
}
