import { HoldfastError } from '@holdfast/core/errors';
import type { Context } from '../../../platform/context.js';
import { authorize, isAllowed } from '../../access/authorize.js';
import type { Stores } from '../../stores.js';
import { noSuchThing } from '../../vaults/use-cases/require-vault.js';
import type { Job } from '../domain/job.js';
import { isFinal } from '../domain/job.js';
import { requestCancel } from '../domain/job-machine.js';
import { appendToOutbox } from './append-to-outbox.js';
import { requester } from './enqueue-job.js';
import { saveJobChange } from './save-job-change.js';

/** Ends a queued job at once; asks the agent to stop any other. Throws IllegalState when the job is over. */
export async function cancelJob(ctx: Context, input: { readonly jobId: string }): Promise<Job> {
  return ctx.unitOfWork.run(async (stores, transaction) => {
    const job = await stores.jobs.lock(input.jobId);
    if (job === undefined) throw noSuchThing();
    await authorizeCancel(ctx, stores, job);
    if (isFinal(job))
      throw new HoldfastError({ kind: 'IllegalState', code: 'JOB_IS_OVER', message: `The job is over: ${job.state}.` });
    const decision = requestCancel(job, ctx.clock.now());
    if (decision.kind !== 'changed') return job;
    const after = await saveJobChange(ctx, stores, transaction, job, decision.job);
    if (!isFinal(after))
      await appendToOutbox(ctx, stores, transaction, 'CANCEL_JOB', {
        jobId: job.id,
        epoch: job.epoch,
        agentId: job.agentId,
      });
    await stores.audit.append(ctx, { action: 'cancelJob', target: { type: 'Job', id: job.id }, outcome: 'SUCCEEDED' });
    return after;
  });
}

async function authorizeCancel(ctx: Context, stores: Stores, job: Job): Promise<void> {
  const scope = { subscriptionId: job.subscriptionId, vaultId: job.vaultId };
  const own = job.requestedBy === requester(ctx) && (await isAllowed(ctx, stores, 'job.cancel-own', scope));
  if (!own) await authorize(ctx, stores, 'job.cancel', scope);
}
