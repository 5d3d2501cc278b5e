import { HoldfastError, isHoldfastError } from '@holdfast/core/errors';
import type { Fetched, GatewayClient, VaultStoreRef } from '../../platform/gateway-client.js';
import type { DomainAccess, FrameOpening, FrameVerdict } from '../vaults/opening/frame-opening.js';

export type AccessOf = (domainId: string) => Promise<DomainAccess>;

export interface FrameVerification {
  /** Opens the frames of a pack that begin at these offsets and re-hashes their chunks. Throws NotFound for an absent pack. */
  verifyFrames(
    vault: VaultStoreRef,
    packId: string,
    offsets: readonly number[],
    accessOf: AccessOf,
  ): Promise<FrameVerdict>;
}

export interface VerifyingPorts {
  readonly gateway: Pick<GatewayClient, 'fetchFrames'>;
  readonly opening: Pick<FrameOpening, 'verifyFrame'>;
}

/** Reads and opens one frame of the pack at a time. */
export function createFrameVerification({ gateway, opening }: VerifyingPorts): FrameVerification {
  return {
    async verifyFrames(vault, packId, offsets, accessOf) {
      const good: Buffer[] = [];
      const bad: Buffer[] = [];
      for await (const fetched of withoutVerdict(gateway.fetchFrames(vault, packId, offsets))) {
        // The gateway knows by now; what is gone proves nothing of what was uploaded, and may be read again one day.
        if (fetched.kind === 'damaged') continue;
        // A pack has one domain; the port behind `accessOf` remembers it.
        const verdict = await opening.verifyFrame(await accessOf(fetched.frame.domainId), fetched.frame);
        good.push(...verdict.good);
        bad.push(...verdict.bad);
      }
      return { good, bad };
    },
  };
}

/** Integrity is what is said of frames: that the gateway's index is damaged, or its answer makes no sense, says nothing of them. */
async function* withoutVerdict(answers: AsyncIterable<Fetched>): AsyncGenerator<Fetched> {
  try {
    yield* answers;
  } catch (error) {
    if (!isHoldfastError(error, 'Integrity')) throw error;
    throw new HoldfastError({
      kind: 'Internal',
      code: 'FRAMES_NOT_READ',
      message: 'The gateway could not read the frames.',
      cause: error,
    });
  }
}
