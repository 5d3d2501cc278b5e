import { toWireError } from '@holdfast/core/errors';
import type { Context } from '../../../platform/context.js';
import { callingAgent } from '../../agents/use-cases/require-live-agent.js';
import type { Stores } from '../../stores.js';
import type { Job, JobRef } from '../domain/job.js';
import { isFinal } from '../domain/job.js';
import type { Decision } from '../domain/job-machine.js';
import { finish } from '../domain/job-machine.js';
import type { JobResult } from '../domain/job-result.js';
import { MOST_NOTICES } from '../domain/job-result.js';
import { saveJobChange } from './save-job-change.js';

/**
 * The agent reports the end and may forget the job after this, whatever became of it: a report that came before
 * or that comes under a lost epoch changes nothing.
 */
export async function finishJob(ctx: Context, ref: JobRef, reported: JobResult): Promise<void> {
  const agentId = callingAgent(ctx);
  const result = { ...reported, notices: reported.notices.slice(0, MOST_NOTICES) };
  const now = ctx.clock.now();
  await ctx.unitOfWork.run(async (stores, transaction) => {
    const job = await stores.jobs.lock(ref.jobId);
    if (job === undefined) return;
    let decision = finish(job, agentId, ref.epoch, result, now);
    if (decision.kind === 'changed' && isFinal(decision.job)) {
      const failure = await tellHandler(ctx, stores, job, result);
      if (failure !== undefined) decision = finish(job, agentId, ref.epoch, failure, now);
    }
    if (decision.kind !== 'changed') return logIgnored(ctx, ref, decision);
    await stores.jobs.putNotices(job.id, result.notices);
    const after = await saveJobChange(ctx, stores, transaction, job, decision.job);
    ctx.log.info(
      { jobId: job.id, kind: job.kind, epoch: ref.epoch, state: after.state, code: after.error?.code },
      'job.finished',
    );
  });
}

/** The kind's own part of the end. The result to take instead when it refuses. */
async function tellHandler(ctx: Context, stores: Stores, job: Job, result: JobResult): Promise<JobResult | undefined> {
  try {
    await ctx.services.jobs.handlers[job.kind].onFinished(ctx, stores, job, result);
    return undefined;
  } catch (error) {
    const { code, message } = toWireError(error);
    // A defect, a lost database, a conflict of transactions: nothing is known about the job, so the agent has to report again.
    if (code === 'INTERNAL_SERVER_ERROR') throw error;
    return { ...result, outcome: { kind: 'failure', code, message } };
  }
}

function logIgnored(ctx: Context, ref: JobRef, decision: Decision): void {
  ctx.log.info({ jobId: ref.jobId, epoch: ref.epoch, reason: decision.kind }, 'job.report-ignored');
}
