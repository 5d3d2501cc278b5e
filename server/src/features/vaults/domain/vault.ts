export type VaultKind = 'RECOVERY_SERVICES' | 'BACKUP';
export type Redundancy = 'LRS';
/** Who shares chunks with whom: all items of the vault, or each item with itself alone. */
export type DedupDomain = 'VAULT' | 'ITEM';

/** CREATING until the first objects stand in the store; such a vault is shown to nobody. */
export type VaultState = 'CREATING' | 'READY';

export interface Vault {
  readonly id: string;
  readonly subscriptionId: string;
  readonly regionId: string;
  readonly name: string;
  readonly kind: VaultKind;
  readonly redundancy: Redundancy;
  readonly dedupDomain: DedupDomain;
  readonly state: VaultState;
  /** The vault's own place inside its zone's store. */
  readonly storeUrl: string;
  /** The newest descriptor as it stands in the store: secrets wrapped, signed. */
  readonly descriptor: Buffer;
  /** Number and SHA-256 of the newest log entry that was signed. */
  readonly logNumber: number;
  readonly logSha256: Buffer;
  readonly recoveryKitConfirmedAt?: number;
  /** Milliseconds since 1970, UTC. */
  readonly createdAt: number;
}

/** A dedup domain: its public half, and its secret sealed under the vault's key. */
export interface DomainRecord {
  readonly id: string;
  readonly vaultId: string;
  /** The item of an ITEM domain; absent for the vault's own. */
  readonly itemId?: string;
  /** Domain (holdfast.vault.v1), encoded. */
  readonly message: Buffer;
  /** The object in the store that holds it is durable. */
  readonly stored: boolean;
}

/** A signed entry on its way into a vault's log. */
export interface LogRecord {
  readonly vaultId: string;
  readonly number: number;
  /** SignedObject, encoded. */
  readonly signed: Buffer;
}
