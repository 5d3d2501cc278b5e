import {
  encodePoint,
  type RecoveryPoint as Message,
  type NamedObject,
  namePoint,
  openPoint as openMessage,
  type Signer,
  sha256,
  Consistency as WireConsistency,
  BackupType as WireType,
} from '@holdfast/core/engine';
import { HoldfastError } from '@holdfast/core/errors';
import { uuidFromBytes, uuidToBytes } from '@holdfast/core/ids';
import type { BackupType } from '../jobs/domain/job.js';
import type { Consistency, PointStatement } from './domain/recovery-point.js';

const WORKLOAD = 'FILES';

const TYPES = {
  FULL: WireType.BACKUP_TYPE_FULL,
  DIFFERENTIAL: WireType.BACKUP_TYPE_DIFFERENTIAL,
  INCREMENTAL: WireType.BACKUP_TYPE_INCREMENTAL,
} as const satisfies Record<BackupType, WireType>;

const CONSISTENCIES = {
  CRASH: WireConsistency.CONSISTENCY_CRASH,
  FILE_SYSTEM: WireConsistency.CONSISTENCY_FILE_SYSTEM,
  APPLICATION: WireConsistency.CONSISTENCY_APPLICATION,
} as const satisfies Record<Consistency, WireConsistency>;

/** The object that commits a backup. */
export function signPoint(signer: Signer, point: PointStatement): NamedObject {
  return encodePoint(signer, {
    vaultId: uuidToBytes(point.vaultId),
    pointId: uuidToBytes(point.id),
    itemId: uuidToBytes(point.itemId),
    sequence: BigInt(point.sequence),
    previousSha256: point.previousSha256 ?? Buffer.alloc(0),
    backupType: TYPES[point.backupType],
    committedAtMs: BigInt(point.committedAt),
    requires: [],
    rootNode: point.rootNode,
    domainId: uuidToBytes(point.domainId),
    consistency: CONSISTENCIES[point.consistency],
    basePointId: point.basePointId === undefined ? Buffer.alloc(0) : uuidToBytes(point.basePointId),
    agentId: uuidToBytes(point.agentId),
    jobId: uuidToBytes(point.jobId),
    statistics: point.statistics,
    workload: WORKLOAD,
  });
}

export interface SignedPoint {
  readonly point: PointStatement;
  readonly objectSha256: Buffer;
}

/** What a point object says. Throws Integrity unless this server signed it under the id that it gives itself. */
export function openPoint(signingPublicKey: Uint8Array, bytes: Uint8Array): SignedPoint {
  const object = namePoint(bytes);
  return { point: toStatement(openMessage(signingPublicKey, object)), objectSha256: sha256(object.bytes) };
}

function toStatement(message: Message): PointStatement {
  if (message.workload !== WORKLOAD || !message.statistics) throw unreadable();
  return {
    id: uuidFromBytes(message.pointId),
    vaultId: uuidFromBytes(message.vaultId),
    itemId: uuidFromBytes(message.itemId),
    sequence: Number(message.sequence),
    ...(message.previousSha256.length > 0 && { previousSha256: message.previousSha256 }),
    backupType: nameOf(TYPES, message.backupType),
    committedAt: Number(message.committedAtMs),
    rootNode: message.rootNode,
    domainId: uuidFromBytes(message.domainId),
    consistency: nameOf(CONSISTENCIES, message.consistency),
    ...(message.basePointId.length > 0 && { basePointId: uuidFromBytes(message.basePointId) }),
    agentId: uuidFromBytes(message.agentId),
    jobId: uuidFromBytes(message.jobId),
    statistics: message.statistics,
  };
}

function nameOf<Name extends string>(table: Readonly<Record<Name, number>>, value: number): Name {
  const found = (Object.keys(table) as Name[]).find((name) => table[name] === value);
  if (!found) throw unreadable();
  return found;
}

function unreadable(): HoldfastError {
  return new HoldfastError({
    kind: 'Integrity',
    code: 'POINT_NOT_READABLE',
    message: 'A recovery point says things that this version does not know.',
  });
}
