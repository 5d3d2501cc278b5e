import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { isUuid } from '@holdfast/core/ids';
import { JobFinished } from '@holdfast/proto/v1';
import type { FinishedJob, JobRef } from '../jobs/job.js';
import { sameLease } from '../jobs/job.js';
import { readFileIfThere, removeFileDurably, writeFileDurably } from '../state/atomic-file.js';
import { fromWireRef, toJobFinished } from './job-messages.js';

interface Unsettled {
  readonly job: JobRef;
  readonly message: JobFinished;
}

/**
 * Results that the server has not confirmed. On disk, because a job that ended while the server was away must not be
 * run again for a restart of the agent.
 */
export class UnsettledJobs {
  private readonly byJob = new Map<string, Unsettled>();

  private constructor(private readonly folder: string) {}

  static async open(folder: string): Promise<UnsettledJobs> {
    const jobs = new UnsettledJobs(folder);
    for (const name of await readdir(folder)) {
      const jobId = name.replace(/\.result$/, '');
      const content = isUuid(jobId) ? await readFileIfThere(join(folder, name)) : undefined;
      if (content !== undefined) jobs.read(content);
    }
    return jobs;
  }

  all(): readonly JobFinished[] {
    return [...this.byJob.values()].map(({ message }) => message);
  }

  refs(): readonly JobRef[] {
    return [...this.byJob.values()].map(({ job }) => job);
  }

  find(job: JobRef): JobFinished | undefined {
    const found = this.byJob.get(job.jobId);
    return found !== undefined && sameLease(found.job, job) ? found.message : undefined;
  }

  /** Known from now on, and kept on disk once `keep` resolves. */
  add(finished: FinishedJob): { readonly message: JobFinished; readonly keep: () => Promise<void> } {
    const message = toJobFinished(finished);
    const { jobId } = finished.job;
    this.byJob.set(jobId, { job: finished.job, message });
    return { message, keep: () => writeFileDurably(this.file(jobId), JobFinished.encode(message).finish()) };
  }

  /** The server has it, or has given the job away. A result of a later lease stays. */
  async forget(job: JobRef): Promise<void> {
    const found = this.byJob.get(job.jobId);
    if (found === undefined || found.job.epoch > job.epoch) return;
    this.byJob.delete(job.jobId);
    await removeFileDurably(this.file(job.jobId));
  }

  private read(content: Buffer): void {
    try {
      const message = JobFinished.decode(content);
      const job = fromWireRef(message.job);
      this.byJob.set(job.jobId, { job, message });
    } catch {
      // A result of a version that wrote it otherwise: the lease ends, and the job runs again.
    }
  }

  private file(jobId: string): string {
    return join(this.folder, `${jobId}.result`);
  }
}
