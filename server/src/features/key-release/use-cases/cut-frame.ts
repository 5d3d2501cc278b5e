import type { Context } from '../../../platform/context.js';
import type { FrameToCut } from '../../jobs/coordination.js';
import type { JobRef } from '../../jobs/domain/job.js';
import type { CutFrame } from '../../vaults/opening/frame-opening.js';
import { restoreKeys } from './restore-keys.js';

/**
 * Some chunks of a frame for a running restore that may not have all of it, in a frame of their own that only its agent can open. As with
 * keys: which chunks lie below the point is the gateway's to see to. Undefined where the frame does not open, which is its uploader's doing; that
 * the keys of the point do not open is control's own trouble, and thrown.
 */
export async function cutFrame(
  ctx: Context,
  input: { readonly job: JobRef; readonly frame: FrameToCut; readonly over: AbortSignal },
): Promise<CutFrame | undefined> {
  const { domainId, chunkIds, ...frame } = input.frame;
  const { agentId, access, transportKey } = await restoreKeys(ctx, input.job, [domainId]);
  return ctx.services.opening.cutFrame(access, transportKey, frame, chunkIds, { agentId, over: input.over });
}
