import { HoldfastError } from '@holdfast/core/errors';
import type { Context } from '../../../platform/context.js';
import type { JobRef } from '../../jobs/domain/job.js';
import { requireHeldJob } from '../../jobs/use-cases/authorize-session.js';
import { pointAndVault } from '../../restores/restore-handler.js';
import type { DomainAccess } from '../../vaults/opening/frame-opening.js';
import { domainAccess } from '../../vaults/use-cases/vault-keys.js';

/** Throws Forbidden for frames of another domain than the point's, and for what is no restore. */
export async function restoreKeys(ctx: Context, ref: JobRef, domainIds: readonly string[]) {
  const { agentId, access } = await ctx.unitOfWork.run((stores) => accessOfJob(ctx, stores, ref));
  if (domainIds.some((domainId) => domainId !== access.domainId))
    throw refused('FRAME_OF_ANOTHER_DOMAIN', "A frame does not belong to the job's recovery point.");
  return { agentId, access, transportKey: ctx.services.keys.transportKey(ref.jobId, ref.epoch) };
}

async function accessOfJob(
  ctx: Context,
  stores: Parameters<typeof requireHeldJob>[1],
  ref: JobRef,
): Promise<{ readonly agentId: string; readonly access: DomainAccess }> {
  const agentId = (await stores.jobs.get(ref.jobId))?.agentId ?? '';
  const job = await requireHeldJob(ctx, stores, agentId, ref);
  if (job.kind !== 'RESTORE') throw refused('NOT_A_RESTORE', 'Only a restore is given keys.');
  const { pointAccesses } = ctx.services;
  const known = pointAccesses.get(ref, ctx.clock.now());
  if (known) return { agentId, access: known };
  const { point, vault } = await pointAndVault(stores, job);
  const access = await domainAccess(ctx, stores, vault, point.domainId);
  pointAccesses.set(ref, access, ctx.clock.now());
  return { agentId, access };
}

function refused(code: string, message: string): HoldfastError {
  return new HoldfastError({ kind: 'Forbidden', code, message });
}
