import {
  createSigner,
  deriveKey,
  type KeySlot,
  openBox,
  type Signer,
  SlotKind,
  sealBox,
  unwrapVaultKey,
  wrappingKeyId,
  wrapVaultKey,
} from '@holdfast/core/engine';
import { HoldfastError } from '@holdfast/core/errors';
import { type Random, uuidToBytes } from '@holdfast/core/ids';
import type { ServerIdentity } from './ports.js';

/**
 * What the master key is good for, without handing it out: it stays inside this object, and control is the
 * only process that has one.
 */
export interface KeyKeeper {
  sealSigningKey(serverId: string, seed: Uint8Array): Buffer;
  /** Throws WrongKey when the catalog was made under another master key. */
  signer(identity: ServerIdentity): Signer;
  wrapVaultKey(vaultId: string, vaultKey: Uint8Array, createdAtMs: number): KeySlot;
  /** Throws WrongKey when none of the slots is this master key's. */
  unwrapVaultKey(vaultId: string, slots: readonly KeySlot[]): Buffer;
  /**
   * 32 bytes under which frame keys travel to the agent of one lease of one restore. Derived, not drawn: every
   * control replica has the same one, and nothing of it is stored.
   */
  transportKey(jobId: string, epoch: number): Buffer;
}

const SIGNING_LABEL = 'holdfast server signing key v1';
const TRANSPORT_LABEL = Buffer.from('holdfast restore transport v1', 'ascii');

export function createKeyKeeper(masterKey: Uint8Array, random: Random): KeyKeeper {
  const signingKey = deriveKey(masterKey, SIGNING_LABEL);
  const ownSlots = wrappingKeyId(SlotKind.SLOT_KIND_PLATFORM, masterKey);
  let signer: { readonly serverId: string; readonly signer: Signer } | undefined;

  return {
    sealSigningKey: (serverId, seed) => sealBox(signingKey, uuidToBytes(serverId), seed, random),

    signer(identity) {
      if (signer?.serverId === identity.serverId) return signer.signer;
      const seed = openBox(signingKey, uuidToBytes(identity.serverId), identity.sealedSigningKey);
      if (!seed) throw wrongMasterKey("The server's signing key cannot be opened with this master key.");
      const opened = createSigner(seed);
      signer = { serverId: identity.serverId, signer: opened };
      return opened;
    },

    wrapVaultKey: (vaultId, vaultKey, createdAtMs) =>
      wrapVaultKey(
        { vaultId: uuidToBytes(vaultId), kind: SlotKind.SLOT_KIND_PLATFORM, secret: masterKey, vaultKey, createdAtMs },
        random,
      ),

    unwrapVaultKey(vaultId, slots) {
      const slot = slots.find(
        (each) => each.kind === SlotKind.SLOT_KIND_PLATFORM && ownSlots.equals(each.wrappingKeyId),
      );
      if (!slot) throw wrongMasterKey("The vault's key is not wrapped under this master key.");
      return unwrapVaultKey(uuidToBytes(vaultId), slot, masterKey);
    },

    transportKey(jobId, epoch) {
      const lease = Buffer.alloc(8);
      lease.writeBigUInt64LE(BigInt(epoch));
      return deriveKey(masterKey, Buffer.concat([TRANSPORT_LABEL, uuidToBytes(jobId), lease]));
    },
  };
}

function wrongMasterKey(message: string): HoldfastError {
  return new HoldfastError({ kind: 'WrongKey', code: 'WRONG_MASTER_KEY', message });
}
