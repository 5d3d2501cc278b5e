import { HoldfastError } from '@holdfast/core/errors';
import { uuidFromBytes, uuidToBytes } from '@holdfast/core/ids';
import * as wire from '@holdfast/proto/v1';
import type { RootTrouble } from '../../protected-items/domain/pre-check.js';
import type { BackupType, JobCounters, JobNotice, JobPhase, JobRef, NoticeKind } from '../domain/job.js';
import type { BackupCommand, FilesSource, JobCommand, RestoreCommand } from '../domain/job-command.js';
import type { JobOutcome, JobResult } from '../domain/job-result.js';
import { MOST_NOTICES } from '../domain/job-result.js';
import type { ProgressReport } from '../domain/progress.js';

type FromServer = NonNullable<wire.ConnectResponse['message']>;

const LONGEST_PATH = 16 * 1024;
const LONGEST_WORDS = 1_000;
const MOST_NOTICE_BYTES = 512 * 1024;
const LONGEST_CODE = 64;
const LARGEST_EPOCH = 2n ** 31n;
/** What a column holds, and a sum of many as well; no host has more of anything. */
const LARGEST_AMOUNT = 2n ** 53n - 1n;

export function toWireRef(job: JobRef): wire.JobRef {
  return { jobId: uuidToBytes(job.jobId), epoch: BigInt(job.epoch) };
}

/** Throws Validation, as everything here that reads what an agent or a gateway sent. */
export function fromWireRef(job: wire.JobRef | undefined): JobRef {
  if (job === undefined || job.epoch >= LARGEST_EPOCH) throw malformed('a job reference');
  return { jobId: uuidFromBytes(job.jobId), epoch: Number(job.epoch) };
}

export function toWireCommand(job: JobRef, command: JobCommand): FromServer {
  return command.kind === 'BACKUP'
    ? { $case: 'startBackup', value: toStartBackup(job, command) }
    : { $case: 'startRestore', value: toStartRestore(job, command) };
}

function toStartBackup(job: JobRef, { domain, files, ...command }: BackupCommand): wire.StartBackup {
  return {
    job: toWireRef(job),
    vaultId: uuidToBytes(command.vaultId),
    itemId: uuidToBytes(command.itemId),
    domain: {
      domainId: uuidToBytes(domain.domainId),
      kemId: domain.kemId,
      publicKey: bytes(domain.publicKey),
      idKey: bytes(domain.idKey),
      chunkerKey: bytes(domain.chunkerKey),
      chunkMinBytes: domain.chunkMinBytes,
      chunkNormalBytes: domain.chunkNormalBytes,
      chunkMaxBytes: domain.chunkMaxBytes,
    },
    type: toWireBackupType(command.type),
    files: toFilesDatasource(files),
    lastPointId: optionalId(command.lastPointId),
    lastFullPointId: optionalId(command.lastFullPointId),
    cacheGeneration: BigInt(command.cacheGeneration),
    expectedBytes: command.expectedBytes,
    expectedEntries: command.expectedEntries,
  };
}

export function toCheckSource(checkId: string, files: FilesSource): FromServer {
  return { $case: 'checkSource', value: { checkId: uuidToBytes(checkId), files: toFilesDatasource(files) } };
}

function toFilesDatasource({ roots, include, exclude, oneFileSystem }: FilesSource): wire.FilesDatasource {
  return { roots: roots.map(bytes), include: include.map(bytes), exclude: exclude.map(bytes), oneFileSystem };
}

function toStartRestore(job: JobRef, command: RestoreCommand): wire.StartRestore {
  return {
    job: toWireRef(job),
    vaultId: uuidToBytes(command.vaultId),
    itemId: uuidToBytes(command.itemId),
    pointId: uuidToBytes(command.pointId),
    rootNode: bytes(command.rootNode),
    domainId: uuidToBytes(command.domainId),
    idKey: bytes(command.idKey),
    transportKey: bytes(command.transportKey),
    select: command.select.map(bytes),
    targetPath: bytes(command.targetPath),
    base: bytes(command.base),
    onConflict: ON_CONFLICT[command.onConflict],
    chunkMaxBytes: command.chunkMaxBytes,
    expectedBytes: command.expectedBytes,
    expectedEntries: command.expectedEntries,
    pointEntries: command.pointEntries,
  };
}

export function fromJobProgress({ phase, counters, expectedBytes, waitingFor }: wire.JobProgress): ProgressReport {
  return {
    // A newer agent may be in a phase, or give a notice a kind, that has no name here yet.
    phase: PHASES[phase] ?? 'PREPARING',
    counters: fromCounters(counters),
    expectedBytes: amount(expectedBytes),
    waitingFor: words(waitingFor),
  };
}

export function fromJobFinished(message: wire.JobFinished): JobResult {
  return {
    outcome: fromOutcome(message.outcome),
    counters: fromCounters(message.counters),
    notices: firstNotices(message.notices),
    noticesTotal: Math.min(number(message.noticesTotal), 2 ** 31 - 1),
    ...(message.source && { rootTroubles: fromSourceCheck(message.source) }),
  };
}

export function fromSourceChecked({ checkId, check }: wire.SourceChecked): {
  readonly checkId: string;
  readonly troubles: readonly RootTrouble[];
} {
  if (check === undefined) throw malformed('what was found');
  return { checkId: uuidFromBytes(checkId), troubles: fromSourceCheck(check) };
}

function fromSourceCheck({ troubles }: wire.SourceCheck): RootTrouble[] {
  return troubles.slice(0, MOST_NOTICES).map(fromNotice);
}

function fromOutcome(outcome: wire.JobFinished['outcome']): JobOutcome {
  switch (outcome?.$case) {
    case 'backup': {
      const { pointId, type, basePointId, typeReason } = outcome.value;
      return {
        kind: 'backup',
        pointId: uuidFromBytes(pointId),
        type: fromWireBackupType(type),
        ...(basePointId.length === 0 ? {} : { basePointId: uuidFromBytes(basePointId) }),
        ...(typeReason === '' ? {} : { typeReason: words(typeReason) }),
      };
    }
    case 'restore': {
      const { notRestorable, damaged } = outcome.value;
      return {
        kind: 'restore',
        notRestorable: number(notRestorable),
        damaged: number(damaged),
      };
    }
    case 'failure':
      return {
        kind: 'failure',
        code: words(outcome.value.code, LONGEST_CODE),
        message: words(outcome.value.message),
      };
    case 'cancelled':
      return { kind: 'cancelled' };
    case undefined:
      throw malformed('the outcome of a job');
  }
}

/** As many as fit: lists of jobs are read whole, and a host that lies could make each of them megabytes long. */
function firstNotices(notices: readonly wire.PathNotice[]): JobNotice[] {
  let bytes = 0;
  const kept: JobNotice[] = [];
  for (const notice of notices.slice(0, MOST_NOTICES)) {
    const { path, kind, message } = fromNotice(notice);
    bytes += path.length + message.length;
    if (bytes > MOST_NOTICE_BYTES) break;
    // A copy: a part of the message would keep all of it in memory.
    kept.push({ path: Buffer.from(path), kind, message });
  }
  return kept;
}

function fromNotice({ path, kind, message }: wire.PathNotice): JobNotice {
  return { path: path.subarray(0, LONGEST_PATH), kind: NOTICES[kind] ?? 'UNKNOWN', message: words(message) };
}

export function fromCounters(counters: wire.Counters | undefined): JobCounters {
  const {
    entries = 0n,
    files = 0n,
    bytesTotal = 0n,
    bytesRead = 0n,
    bytesChanged = 0n,
    bytesSent = 0n,
    bytesStored = 0n,
    bytesWritten = 0n,
    warnings = 0n,
    entriesSkipped = 0n,
  } = counters ?? {};
  return {
    entries: amount(entries),
    files: amount(files),
    bytesTotal: amount(bytesTotal),
    bytesRead: amount(bytesRead),
    bytesChanged: amount(bytesChanged),
    bytesSent: amount(bytesSent),
    bytesStored: amount(bytesStored),
    bytesWritten: amount(bytesWritten),
    warnings: amount(warnings),
    entriesSkipped: amount(entriesSkipped),
  };
}

export function fromWireBackupType(type: wire.BackupType): BackupType {
  const named = BACKUP_TYPES[type];
  if (named === undefined) throw malformed('a backup type');
  return named;
}

function toWireBackupType(type: BackupType): wire.BackupType {
  return {
    FULL: wire.BackupType.BACKUP_TYPE_FULL,
    DIFFERENTIAL: wire.BackupType.BACKUP_TYPE_DIFFERENTIAL,
    INCREMENTAL: wire.BackupType.BACKUP_TYPE_INCREMENTAL,
  }[type];
}

const BACKUP_TYPES: Readonly<Record<wire.BackupType, BackupType | undefined>> = {
  [wire.BackupType.BACKUP_TYPE_UNSPECIFIED]: undefined,
  [wire.BackupType.BACKUP_TYPE_FULL]: 'FULL',
  [wire.BackupType.BACKUP_TYPE_DIFFERENTIAL]: 'DIFFERENTIAL',
  [wire.BackupType.BACKUP_TYPE_INCREMENTAL]: 'INCREMENTAL',
};

const ON_CONFLICT: Readonly<Record<RestoreCommand['onConflict'], wire.OnConflict>> = {
  FAIL: wire.OnConflict.ON_CONFLICT_FAIL,
  SKIP: wire.OnConflict.ON_CONFLICT_SKIP,
  OVERWRITE: wire.OnConflict.ON_CONFLICT_OVERWRITE,
  KEEP_BOTH: wire.OnConflict.ON_CONFLICT_KEEP_BOTH,
};

const PHASES: Readonly<Partial<Record<wire.JobPhase, JobPhase>>> = {
  [wire.JobPhase.JOB_PHASE_UNSPECIFIED]: 'PREPARING',
  [wire.JobPhase.JOB_PHASE_PREPARING]: 'PREPARING',
  [wire.JobPhase.JOB_PHASE_TRANSFERRING]: 'TRANSFERRING',
  [wire.JobPhase.JOB_PHASE_COMMITTING]: 'COMMITTING',
  [wire.JobPhase.JOB_PHASE_FINISHING]: 'FINISHING',
};

const NOTICES: Readonly<Partial<Record<wire.NoticeKind, NoticeKind>>> = {
  [wire.NoticeKind.NOTICE_KIND_UNSPECIFIED]: 'UNKNOWN',
  [wire.NoticeKind.NOTICE_KIND_UNREADABLE]: 'UNREADABLE',
  [wire.NoticeKind.NOTICE_KIND_VANISHED]: 'VANISHED',
  [wire.NoticeKind.NOTICE_KIND_CHANGED_WHILE_READ]: 'CHANGED_WHILE_READ',
  [wire.NoticeKind.NOTICE_KIND_NOT_RESTORABLE]: 'NOT_RESTORABLE',
  [wire.NoticeKind.NOTICE_KIND_SKIPPED]: 'SKIPPED',
  [wire.NoticeKind.NOTICE_KIND_DAMAGED]: 'DAMAGED',
  [wire.NoticeKind.NOTICE_KIND_UNWRITABLE]: 'UNWRITABLE',
};

function optionalId(id: string | undefined): Buffer {
  return id === undefined ? Buffer.alloc(0) : uuidToBytes(id);
}

function bytes(value: Uint8Array): Buffer {
  return Buffer.from(value.buffer, value.byteOffset, value.byteLength);
}

function number(value: bigint): number {
  return Number(amount(value));
}

function amount(value: bigint): bigint {
  return value < LARGEST_AMOUNT ? value : LARGEST_AMOUNT;
}

/** What an agent says in words, without what would steer a terminal or what PostgreSQL takes in no text. */
function words(text: string, longest = LONGEST_WORDS): string {
  return text
    .slice(0, longest)
    .replaceAll(/\p{Cc}/gu, ' ')
    .toWellFormed();
}

function malformed(what: string): HoldfastError {
  return new HoldfastError({
    kind: 'Validation',
    code: 'MALFORMED_MESSAGE',
    message: `The message does not hold ${what} that makes sense.`,
  });
}
