import {
  type Descriptor,
  descriptorName,
  type Domain,
  domainName,
  KeyMode,
  type KeySlot,
  type LogEntry,
  logName,
  openSignedObject,
  peekSignedObject,
  Redundancy,
  sha256,
  SignedKind,
  type Signer,
  signObject,
} from '@holdfast/core/engine';
import { uuidToBytes } from '@holdfast/core/ids';
import { Descriptor as DescriptorCodec, Domain as DomainCodec, LogEntry as LogEntryCodec } from '@holdfast/proto/vault';
import type { Vault } from './domain/vault.js';
import type { VaultSlots } from './vault-secrets.js';

export interface StoredObject {
  /** Inside the vault's store. */
  readonly name: string;
  /** SignedObject, encoded. */
  readonly bytes: Buffer;
}

export interface FirstObjectsInput {
  readonly vaultId: string;
  readonly name: string;
  readonly createdAt: number;
  readonly serverId: string;
  readonly slots: readonly KeySlot[];
  readonly domain?: Domain;
}

export interface FirstObjects {
  readonly descriptor: StoredObject;
  readonly log: StoredObject;
  readonly logNumber: number;
  readonly logSha256: Buffer;
  /** The vault's own domain as the catalog keeps it. */
  readonly domain?: Buffer;
}

const FORMAT_VERSION = 1;
const FIRST = 1n;

/** What a vault consists of before its first backup: the keys in their slots, and the log entry that says whose it is. */
export function firstObjects(signer: Signer, input: FirstObjectsInput): FirstObjects {
  const vaultId = uuidToBytes(input.vaultId);
  const descriptor: Descriptor = {
    formatVersion: FORMAT_VERSION,
    compatibleFeatures: 0n,
    readOnlyCompatibleFeatures: 0n,
    incompatibleFeatures: 0n,
    vaultId,
    generation: FIRST,
    vaultName: input.name,
    keyMode: KeyMode.KEY_MODE_PLATFORM,
    redundancy: Redundancy.REDUNDANCY_LRS,
    signingPublicKey: signer.publicKey,
    slots: [...input.slots],
    vaultDomain: input.domain,
    createdAtMs: BigInt(input.createdAt),
  };
  const taken: LogEntry = {
    vaultId,
    number: FIRST,
    previousSha256: Buffer.alloc(0),
    atMs: BigInt(input.createdAt),
    event: { $case: 'ownerTaken', value: { serverId: uuidToBytes(input.serverId) } },
  };
  const log = signLogEntry(signer, taken);
  return {
    descriptor: signed(signer, SignedKind.Descriptor, descriptorName(FIRST), DescriptorCodec.encode(descriptor).finish()),
    log,
    logNumber: Number(FIRST),
    logSha256: sha256(log.bytes),
    ...(input.domain && { domain: encodeDomain(input.domain) }),
  };
}

/** The object in which an item's domain lies. */
export function domainObject(signer: Signer, domain: Domain): StoredObject {
  return signed(signer, SignedKind.Domain, domainName(domain.domainId), DomainCodec.encode(domain).finish());
}

export function signLogEntry(signer: Signer, entry: LogEntry): StoredObject {
  return signed(signer, SignedKind.Log, logName(entry.number), LogEntryCodec.encode(entry).finish());
}

/** The slots of a vault, from the descriptor that the catalog keeps; its signature is checked. Throws Integrity. */
export function slotsOf(vault: Pick<Vault, 'id' | 'descriptor'>, signingPublicKey: Uint8Array): VaultSlots {
  const name = descriptorName(DescriptorCodec.decode(peekSignedObject('descriptor', vault.descriptor)).generation);
  const payload = openSignedObject(signingPublicKey, SignedKind.Descriptor, name, vault.descriptor);
  return { vaultId: vault.id, slots: DescriptorCodec.decode(payload).slots };
}

export function encodeDomain(domain: Domain): Buffer {
  return Buffer.from(DomainCodec.encode(domain).finish());
}

export function decodeDomain(message: Uint8Array): Domain {
  return DomainCodec.decode(message);
}

function signed(signer: Signer, kind: SignedKind, name: string, payload: Uint8Array): StoredObject {
  return { name, bytes: signObject(signer, kind, name, payload) };
}
