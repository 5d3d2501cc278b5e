import { HoldfastError } from '@holdfast/core/errors';
import type { Context } from '../../../platform/context.js';
import type { FrameKeyQuestion } from '../../jobs/coordination.js';
import type { JobRef } from '../../jobs/domain/job.js';
import { requireHeldJob } from '../../jobs/use-cases/authorize-session.js';
import { pointAndVault } from '../../restores/restore-handler.js';
import type { DomainAccess } from '../../vaults/opening/frame-opening.js';
import { domainAccess } from '../../vaults/use-cases/vault-keys.js';

const MOST_FRAMES = 8_192;
const DIGEST_BYTES = 32;

/**
 * The keys of frames that a running restore needs, each sealed so that only its agent can use it: the gateway that
 * asks learns nothing. Only for a job held under this epoch, and only in the dedup domain of its point. That the
 * frames lie below the point is the gateway's to see to, which knows the edges.
 */
export async function releaseFrameKeys(
  ctx: Context,
  input: { readonly job: JobRef; readonly frames: readonly FrameKeyQuestion[] },
): Promise<Buffer[]> {
  if (input.frames.length > MOST_FRAMES)
    throw new HoldfastError({
      kind: 'Validation',
      code: 'TOO_MANY_FRAMES',
      message: `At most ${MOST_FRAMES} frames at once.`,
    });
  if (input.frames.some(({ frameDigest }) => frameDigest.length !== DIGEST_BYTES))
    throw new HoldfastError({
      kind: 'Validation',
      code: 'FRAME_DIGEST',
      message: `A frame's digest has ${DIGEST_BYTES} bytes.`,
    });
  const access = await ctx.unitOfWork.run((stores) => accessOfJob(ctx, stores, input.job));
  if (input.frames.some((frame) => frame.domainId !== access.domainId))
    throw refused('FRAME_OF_ANOTHER_DOMAIN', "A frame does not belong to the job's recovery point.");
  const transportKey = ctx.services.keys.transportKey(input.job.jobId, input.job.epoch);
  return ctx.services.opening.releaseFrameKeys(access, transportKey, input.frames);
}

async function accessOfJob(
  ctx: Context,
  stores: Parameters<typeof requireHeldJob>[1],
  ref: JobRef,
): Promise<DomainAccess> {
  const agentId = (await stores.jobs.get(ref.jobId))?.agentId ?? '';
  const job = await requireHeldJob(ctx, stores, agentId, ref);
  if (job.kind !== 'RESTORE') throw refused('NOT_A_RESTORE', 'Only a restore is given keys.');
  const { pointAccesses } = ctx.services;
  const known = pointAccesses.get(ref, ctx.clock.now());
  if (known) return known;
  const { point, vault } = await pointAndVault(stores, job);
  const access = await domainAccess(ctx, stores, vault, point.domainId);
  pointAccesses.set(ref, access, ctx.clock.now());
  return access;
}

function refused(code: string, message: string): HoldfastError {
  return new HoldfastError({ kind: 'Forbidden', code, message });
}
