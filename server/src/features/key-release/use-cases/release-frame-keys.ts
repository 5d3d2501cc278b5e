import { HoldfastError } from '@holdfast/core/errors';
import type { Context } from '../../../platform/context.js';
import type { FrameKeyQuestion } from '../../jobs/coordination.js';
import type { JobRef } from '../../jobs/domain/job.js';
import { restoreKeys } from './restore-keys.js';

const MOST_FRAMES = 8_192;
const DIGEST_BYTES = 32;

/**
 * The keys of frames that a running restore needs, each sealed so that only its agent can use it: the gateway that
 * asks learns nothing. Empty for a frame whose pack carries a session key that does not open: one bad pack takes no other's keys away. Only for a job held under this epoch, and only in the dedup domain of its point. That the
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
  const domainIds = input.frames.map(({ domainId }) => domainId);
  const { access, transportKey } = await restoreKeys(ctx, input.job, domainIds);
  return ctx.services.opening.releaseFrameKeys(access, transportKey, input.frames);
}
