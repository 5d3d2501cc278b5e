import { PackKind } from '@holdfast/core/engine';
import { HoldfastError } from '@holdfast/core/errors';
import { uuidFromBytes } from '@holdfast/core/ids';
import {
  type VaultStore,
  BackupType as WireBackupType,
  type JobRef as WireJob,
  PackKind as WirePackKind,
} from '@holdfast/proto/v1';
import type { BackupType, JobRef, VaultStoreRef } from '../coordination/coordination.js';

/** Pieces of a frame on the wire. */
export const PIECE_BYTES = 1024 * 1024;

export function readJob(job: WireJob | undefined): JobRef {
  if (!job || job.epoch > BigInt(Number.MAX_SAFE_INTEGER)) throw malformed('The call names no job.');
  return { jobId: uuidFromBytes(job.jobId), epoch: Number(job.epoch) };
}

export function readVault(vault: VaultStore | undefined): VaultStoreRef {
  if (!vault) throw malformed('The call names no vault.');
  return { vaultId: uuidFromBytes(vault.vaultId), storeUrl: vault.storeUrl };
}

export function readPackKind(kind: WirePackKind): PackKind {
  switch (kind) {
    case WirePackKind.PACK_KIND_DATA:
      return PackKind.PACK_KIND_DATA;
    case WirePackKind.PACK_KIND_NODE:
      return PackKind.PACK_KIND_NODE;
    default:
      throw malformed('A pack holds data or nodes.');
  }
}

export function readBackupType(type: WireBackupType): BackupType {
  switch (type) {
    case WireBackupType.BACKUP_TYPE_FULL:
      return 'FULL';
    case WireBackupType.BACKUP_TYPE_DIFFERENTIAL:
      return 'DIFFERENTIAL';
    case WireBackupType.BACKUP_TYPE_INCREMENTAL:
      return 'INCREMENTAL';
    default:
      throw malformed('The backup has no type.');
  }
}

export function writePackKind(kind: PackKind): WirePackKind {
  return kind === PackKind.PACK_KIND_NODE ? WirePackKind.PACK_KIND_NODE : WirePackKind.PACK_KIND_DATA;
}

export function malformed(message: string): HoldfastError {
  return new HoldfastError({ kind: 'Validation', code: 'MALFORMED_CALL', message });
}
