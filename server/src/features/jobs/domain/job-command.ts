import type { BackupType } from './job.js';

/** What an agent needs to name, cut and seal chunks of one dedup domain. */
export interface DomainKeysForAgent {
  readonly domainId: string;
  readonly kemId: number;
  readonly publicKey: Uint8Array;
  readonly idKey: Uint8Array;
  readonly chunkerKey: Uint8Array;
  readonly chunkMinBytes: number;
  readonly chunkNormalBytes: number;
  readonly chunkMaxBytes: number;
}

export interface FilesSource {
  /** Raw bytes, as the host has them; so are the patterns. */
  readonly roots: readonly Uint8Array[];
  readonly include: readonly Uint8Array[];
  readonly exclude: readonly Uint8Array[];
  readonly oneFileSystem: boolean;
}

/** What a job may come to, for its progress; 0 while nobody knows. */
export interface Expected {
  readonly expectedBytes: bigint;
  readonly expectedEntries: bigint;
}

export const NOTHING_EXPECTED: Expected = { expectedBytes: 0n, expectedEntries: 0n };

export interface BackupCommand extends Expected {
  readonly kind: 'BACKUP';
  readonly vaultId: string;
  readonly itemId: string;
  readonly domain: DomainKeysForAgent;
  readonly type: BackupType;
  readonly files: FilesSource;
  readonly lastPointId?: string;
  readonly lastFullPointId?: string;
  readonly cacheGeneration: number;
}

export interface RestoreCommand extends Expected {
  readonly kind: 'RESTORE';
  readonly vaultId: string;
  readonly itemId: string;
  readonly pointId: string;
  readonly rootNode: Uint8Array;
  readonly domainId: string;
  readonly idKey: Uint8Array;
  /** 32 bytes, made for this job; control must be able to seal frame keys under it as long as the job runs. */
  readonly transportKey: Uint8Array;
  readonly select: readonly Uint8Array[];
  readonly targetPath: Uint8Array;
  readonly base: Uint8Array;
  readonly onConflict: 'FAIL' | 'SKIP' | 'OVERWRITE' | 'KEEP_BOTH';
  readonly chunkMaxBytes: number;
  /** How many entries the whole point says it has. */
  readonly pointEntries: bigint;
}

/** What an agent is told to do. Holds keys, so it is built at dispatch, sent, and never stored or logged. */
export type JobCommand = BackupCommand | RestoreCommand;
