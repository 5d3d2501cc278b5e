import {
  type Domain,
  descriptorName,
  EMPTY_LOG,
  encodeDescriptor,
  encodeDomain,
  encodeLogEntry,
  FORMAT_VERSION,
  KeyMode,
  type KeySlot,
  type NamedObject,
  openDescriptor,
  Redundancy,
  type Signer,
  sha256,
} from '@holdfast/core/engine';
import { uuidToBytes } from '@holdfast/core/ids';
import type { Vault } from './domain/vault.js';
import type { VaultSlots } from './vault-secrets.js';

export interface FirstObjectsInput {
  readonly vaultId: string;
  readonly name: string;
  readonly createdAt: number;
  readonly serverId: string;
  readonly slots: readonly KeySlot[];
  readonly domain?: Domain;
}

export interface FirstObjects {
  readonly descriptor: NamedObject;
  readonly log: NamedObject;
  readonly logNumber: number;
  readonly logSha256: Buffer;
  /** The vault's own domain as the catalog keeps it. */
  readonly domain?: Buffer;
}

// The catalog keeps the first descriptor until slots can be changed.
const FIRST_GENERATION = 1n;

/** What a vault consists of before its first backup: the keys in their slots, and the log entry that says whose it is. */
export function firstObjects(signer: Signer, input: FirstObjectsInput): FirstObjects {
  const vaultId = uuidToBytes(input.vaultId);
  const descriptor = encodeDescriptor(signer, {
    formatVersion: FORMAT_VERSION,
    compatibleFeatures: 0n,
    readOnlyCompatibleFeatures: 0n,
    incompatibleFeatures: 0n,
    vaultId,
    generation: FIRST_GENERATION,
    vaultName: input.name,
    keyMode: KeyMode.KEY_MODE_PLATFORM,
    redundancy: Redundancy.REDUNDANCY_LRS,
    signingPublicKey: signer.publicKey,
    slots: [...input.slots],
    vaultDomain: input.domain,
    createdAtMs: BigInt(input.createdAt),
  });
  const log = encodeLogEntry(
    signer,
    vaultId,
    EMPTY_LOG,
    { $case: 'ownerTaken', value: { serverId: uuidToBytes(input.serverId) } },
    input.createdAt,
  );
  return {
    descriptor,
    log,
    logNumber: 1,
    logSha256: sha256(log.bytes),
    ...(input.domain && { domain: encodeDomain(input.domain) }),
  };
}

/** The slots of a vault, from the descriptor that the catalog keeps; its signature is checked. Throws Integrity. */
export function slotsOf(vault: Pick<Vault, 'id' | 'descriptor'>, signingPublicKey: Uint8Array): VaultSlots {
  const object = { name: descriptorName(FIRST_GENERATION), bytes: vault.descriptor };
  return { vaultId: vault.id, slots: openDescriptor(object, signingPublicKey).slots };
}
