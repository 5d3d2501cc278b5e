import type { GatewayClient, VaultStoreRef } from '../../platform/gateway-client.js';
import type { DomainAccess, FrameOpening, FrameVerdict } from '../vaults/opening/frame-opening.js';

/** Undefined for a domain that is not the vault's. */
export type AccessOf = (domainId: string) => Promise<DomainAccess | undefined>;

export interface PackVerification {
  /** Opens every frame of a pack and re-hashes its chunks. Throws NotFound for an absent pack. */
  verifyPack(vault: VaultStoreRef, packId: string, accessOf: AccessOf): Promise<FrameVerdict>;
}

export interface VerifyingPorts {
  readonly gateway: Pick<GatewayClient, 'fetchPack'>;
  readonly opening: Pick<FrameOpening, 'verifyFrame'>;
}

/** Reads and opens in the thread that it is called in, one frame of the pack at a time. */
export function createPackVerification({ gateway, opening }: VerifyingPorts): PackVerification {
  return {
    async verifyPack(vault, packId, accessOf) {
      const good: Buffer[] = [];
      const bad: Buffer[] = [];
      for await (const fetched of gateway.fetchPack(vault, packId)) {
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
