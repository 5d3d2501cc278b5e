import type { Page, PageRequest } from '../../platform/page.js';
import type { Scope } from '../access/domain/scope.js';
import type { DomainRecord, LogRecord, Vault } from './domain/vault.js';

export interface VaultFilter {
  readonly subscriptionId?: string;
  readonly name?: string;
}

export interface VaultStore {
  insert(vault: Vault): Promise<void>;
  get(id: string): Promise<Vault | undefined>;
  getMany(ids: readonly string[]): Promise<Vault[]>;
  /** Also one that is still being created: names are taken from the first moment. */
  findByName(subscriptionId: string, name: string): Promise<Vault | undefined>;
  /** False when it was given up meanwhile. */
  markReady(id: string): Promise<boolean>;
  /** Forgets a vault that never became READY. */
  giveUp(id: string): Promise<void>;
  confirmRecoveryKit(id: string, at: number): Promise<void>;
  /** READY ones inside the scopes, by creation. */
  list(scopes: readonly Scope[], filter: VaultFilter, page: PageRequest): Promise<Page<Vault>>;
  allReady(): Promise<Vault[]>;

  /** Takes the next number of the vault's log. False when somebody else took it: read again. */
  appendLog(entry: LogRecord, sha256: Buffer): Promise<boolean>;
  /** Entries that are not known to be durable in their store, per vault in order; none of the excepted vaults. */
  unwrittenLog(limit: number, exceptVaultIds: readonly string[]): Promise<LogRecord[]>;
  markLogWritten(vaultId: string, number: number): Promise<void>;

  insertDomain(domain: DomainRecord): Promise<void>;
  getDomain(id: string): Promise<DomainRecord | undefined>;
  domainOfItem(itemId: string): Promise<DomainRecord | undefined>;
  domainOfVault(vaultId: string): Promise<DomainRecord | undefined>;
  markDomainStored(id: string): Promise<void>;
}

/** Who this server is to its vaults. */
export interface ServerIdentity {
  readonly serverId: string;
  /** Ed25519, 32 bytes. */
  readonly signingPublicKey: Buffer;
  /** The private key under the master key. */
  readonly sealedSigningKey: Buffer;
}

export interface ServerIdentityStore {
  get(): Promise<ServerIdentity | undefined>;
  /** Once in the life of a catalog. */
  insert(identity: ServerIdentity): Promise<void>;
}
