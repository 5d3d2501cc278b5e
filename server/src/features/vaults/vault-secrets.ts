import {
  createDomain,
  createRecoveryKitSecret,
  type Domain,
  DomainScope,
  type DomainSecret,
  formatRecoveryKit,
  type KeySlot,
  openDomain,
  SlotKind,
  unwrapVaultKey,
  wrapVaultKey,
} from '@holdfast/core/engine';
import { isHoldfastError } from '@holdfast/core/errors';
import { type Random, uuidToBytes } from '@holdfast/core/ids';
import type { KeyKeeper } from './key-keeper.js';

export interface NewVaultSecrets {
  readonly slots: readonly KeySlot[];
  /** The domain that spans the vault; absent where every item has its own. */
  readonly domain?: Domain;
  /** As a person writes it down. Shown once, kept nowhere. */
  readonly recoveryKit: string;
}

export interface NewVaultKeys {
  readonly vaultId: string;
  /** Of the vault's own domain; absent where every item has its own. */
  readonly domainId?: string;
  readonly createdAtMs: number;
}

/** Draws a vault's key, wraps it for the server and for the recovery kit, and makes its domain. The key itself is forgotten. */
export async function drawVaultSecrets(
  keys: KeyKeeper,
  wanted: NewVaultKeys,
  random: Random,
): Promise<NewVaultSecrets> {
  const { vaultId, domainId, createdAtMs } = wanted;
  const id = uuidToBytes(vaultId);
  const vaultKey = random.bytes(32);
  const kit = createRecoveryKitSecret(random);
  const slots = [
    keys.wrapVaultKey(vaultId, vaultKey, createdAtMs),
    wrapVaultKey({ vaultId: id, kind: SlotKind.SLOT_KIND_RECOVERY_KIT, secret: kit, vaultKey, createdAtMs }, random),
  ];
  if (domainId === undefined) return { slots, recoveryKit: formatRecoveryKit(kit) };
  const input = {
    vaultId: id,
    vaultKey,
    domainId: uuidToBytes(domainId),
    scope: DomainScope.DOMAIN_SCOPE_VAULT as const,
  };
  return { slots, recoveryKit: formatRecoveryKit(kit), domain: (await createDomain(input, random)).domain };
}

export interface VaultSlots {
  readonly vaultId: string;
  readonly slots: readonly KeySlot[];
}

/** Whether a kit with this secret opens the vault. */
export function kitOpens({ vaultId, slots }: VaultSlots, secret: Uint8Array): boolean {
  const slot = slots.find(({ kind }) => kind === SlotKind.SLOT_KIND_RECOVERY_KIT);
  if (slot === undefined) return false;
  try {
    unwrapVaultKey(uuidToBytes(vaultId), slot, secret);
    return true;
  } catch (error) {
    if (isHoldfastError(error, 'WrongKey')) return false;
    throw error;
  }
}

/** A domain for one item, so that its chunks are shared with nobody. */
export async function drawItemDomain(
  keys: KeyKeeper,
  vault: VaultSlots,
  domainId: string,
  itemId: string,
  random: Random,
): Promise<Domain> {
  const vaultKey = keys.unwrapVaultKey(vault.vaultId, vault.slots);
  const input = {
    vaultId: uuidToBytes(vault.vaultId),
    vaultKey,
    domainId: uuidToBytes(domainId),
    scope: DomainScope.DOMAIN_SCOPE_ITEM as const,
    itemId: uuidToBytes(itemId),
  };
  return (await createDomain(input, random)).domain;
}

/** The keys of a domain. Hand on no more of them than the receiver needs, and log none. */
export function openDomainSecret(keys: KeyKeeper, vault: VaultSlots, domain: Domain): DomainSecret {
  return openDomain(keys.unwrapVaultKey(vault.vaultId, vault.slots), uuidToBytes(vault.vaultId), domain);
}
