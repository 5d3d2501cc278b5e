import { HoldfastError } from '@holdfast/core/errors';
import { uuidFromBytes, uuidToBytes } from '@holdfast/core/ids';
import type * as wire from '@holdfast/proto/v1';
import { BackupType, JobPhase, NoticeKind, OnConflict } from '@holdfast/proto/v1';
import type * as jobs from '../jobs/job.js';

/** Between the messages of the wire and what the jobs work with. A command that makes no sense throws Validation. */

const backupTypes = {
  FULL: BackupType.BACKUP_TYPE_FULL,
  DIFFERENTIAL: BackupType.BACKUP_TYPE_DIFFERENTIAL,
  INCREMENTAL: BackupType.BACKUP_TYPE_INCREMENTAL,
} as const;
const conflicts = {
  FAIL: OnConflict.ON_CONFLICT_FAIL,
  SKIP: OnConflict.ON_CONFLICT_SKIP,
  OVERWRITE: OnConflict.ON_CONFLICT_OVERWRITE,
  KEEP_BOTH: OnConflict.ON_CONFLICT_KEEP_BOTH,
} as const;
const phases = {
  PREPARING: JobPhase.JOB_PHASE_PREPARING,
  TRANSFERRING: JobPhase.JOB_PHASE_TRANSFERRING,
  COMMITTING: JobPhase.JOB_PHASE_COMMITTING,
  FINISHING: JobPhase.JOB_PHASE_FINISHING,
} as const;
const noticeKinds = {
  UNREADABLE: NoticeKind.NOTICE_KIND_UNREADABLE,
  VANISHED: NoticeKind.NOTICE_KIND_VANISHED,
  CHANGED_WHILE_READ: NoticeKind.NOTICE_KIND_CHANGED_WHILE_READ,
  NOT_RESTORABLE: NoticeKind.NOTICE_KIND_NOT_RESTORABLE,
  SKIPPED: NoticeKind.NOTICE_KIND_SKIPPED,
  DAMAGED: NoticeKind.NOTICE_KIND_DAMAGED,
  UNWRITABLE: NoticeKind.NOTICE_KIND_UNWRITABLE,
} as const;

const NO_BYTES = Buffer.alloc(0);

export function toWireRef(job: jobs.JobRef): wire.JobRef {
  return { jobId: uuidToBytes(job.jobId), epoch: job.epoch };
}

export function fromWireRef(ref: wire.JobRef | undefined): jobs.JobRef {
  if (ref === undefined) throw meaningless('it names no job');
  return { jobId: uuidFromBytes(ref.jobId), epoch: ref.epoch };
}

export function toWireBackupType(type: jobs.BackupType): BackupType {
  return backupTypes[type];
}

export function toWireCounters(counters: jobs.Counters): wire.Counters {
  return {
    entries: BigInt(counters.entries),
    files: BigInt(counters.files),
    bytesTotal: BigInt(counters.bytesTotal),
    bytesRead: BigInt(counters.bytesRead),
    bytesChanged: BigInt(counters.bytesChanged),
    bytesSent: BigInt(counters.bytesSent),
    bytesStored: BigInt(counters.bytesStored),
    bytesWritten: BigInt(counters.bytesWritten),
    warnings: BigInt(counters.warnings),
    entriesSkipped: BigInt(counters.entriesSkipped),
  };
}

export function fromStartBackup(message: wire.StartBackup): jobs.BackupCommand {
  const { domain } = message;
  if (domain === undefined) throw meaningless('it says not with which keys to back up');
  return {
    kind: 'backup',
    job: fromWireRef(message.job),
    vaultId: ofLength(16, message.vaultId),
    itemId: uuidFromBytes(message.itemId),
    domain: {
      domainId: ofLength(16, domain.domainId),
      kemId: domain.kemId,
      publicKey: domain.publicKey,
      idKey: ofLength(32, domain.idKey),
      chunkerKey: ofLength(32, domain.chunkerKey),
      chunker: { minBytes: domain.chunkMinBytes, normalBytes: domain.chunkNormalBytes, maxBytes: domain.chunkMaxBytes },
    },
    type: nameOf(backupTypes, message.type),
    files: fromFilesDatasource(message.files),
    lastPointId: optionalUuid(message.lastPointId),
    lastFullPointId: optionalUuid(message.lastFullPointId),
    cacheGeneration: message.cacheGeneration,
    ...expectedOf(message),
  };
}

export function fromFilesDatasource(files: wire.FilesDatasource | undefined): jobs.FilesSource {
  if (files === undefined || files.roots.length === 0) throw meaningless('it says not what to back up');
  return { roots: files.roots, include: files.include, exclude: files.exclude, oneFileSystem: files.oneFileSystem };
}

export function fromStartRestore(message: wire.StartRestore): jobs.RestoreCommand {
  return {
    kind: 'restore',
    job: fromWireRef(message.job),
    vaultId: ofLength(16, message.vaultId),
    pointId: uuidFromBytes(message.pointId),
    rootNode: ofLength(32, message.rootNode),
    domainId: ofLength(16, message.domainId),
    idKey: ofLength(32, message.idKey),
    transportKey: ofLength(32, message.transportKey),
    select: message.select,
    targetPath: message.targetPath,
    base: message.base,
    onConflict: nameOf(conflicts, message.onConflict),
    chunkMaxBytes: message.chunkMaxBytes,
    pointEntries: Number(message.pointEntries),
    ...expectedOf(message),
  };
}

function expectedOf(message: wire.StartBackup | wire.StartRestore): jobs.Expected {
  return { expectedBytes: Number(message.expectedBytes), expectedEntries: Number(message.expectedEntries) };
}

export function toJobProgress(progress: jobs.JobProgress): wire.JobProgress {
  return {
    job: toWireRef(progress.job),
    phase: phases[progress.phase],
    counters: toWireCounters(progress.counters),
    expectedBytes: BigInt(progress.expectedBytes),
    expectedEntries: BigInt(progress.expectedEntries),
    waitingFor: progress.waitingFor,
  };
}

export function toJobFinished(finished: jobs.FinishedJob): wire.JobFinished {
  return {
    job: toWireRef(finished.job),
    counters: toWireCounters(finished.counters),
    notices: finished.notices.map(toPathNotice),
    noticesTotal: BigInt(finished.noticesTotal),
    source: finished.rootTroubles && toSourceCheck(finished.rootTroubles),
    outcome: toWireOutcome(finished.outcome),
  };
}

export function toSourceCheck(troubles: readonly jobs.PathNotice[]): wire.SourceCheck {
  return { troubles: troubles.map(toPathNotice) };
}

function toPathNotice({ path, kind, message }: jobs.PathNotice): wire.PathNotice {
  return { path, kind: noticeKinds[kind], message };
}

function toWireOutcome(outcome: jobs.JobOutcome): NonNullable<wire.JobFinished['outcome']> {
  switch (outcome.kind) {
    case 'backup':
      return {
        $case: 'backup',
        value: {
          pointId: uuidToBytes(outcome.pointId),
          type: backupTypes[outcome.type],
          basePointId: outcome.basePointId === undefined ? NO_BYTES : uuidToBytes(outcome.basePointId),
          typeReason: outcome.typeReason,
        },
      };
    case 'restore':
      return {
        $case: 'restore',
        value: {
          notRestorable: BigInt(outcome.notRestorable),
          damaged: BigInt(outcome.damaged),
        },
      };
    case 'failure':
      return { $case: 'failure', value: outcome.error };
    case 'cancelled':
      return { $case: 'cancelled', value: {} };
  }
}

function nameOf<Name extends string, Value>(table: Readonly<Record<Name, Value>>, value: Value): Name {
  const found = (Object.keys(table) as Name[]).find((name) => table[name] === value);
  if (found === undefined) throw meaningless('it has a value that this agent does not know');
  return found;
}

function optionalUuid(bytes: Buffer): string | undefined {
  return bytes.length === 0 ? undefined : uuidFromBytes(bytes);
}

function ofLength(length: number, bytes: Buffer): Buffer {
  if (bytes.length !== length) throw meaningless(`a value has ${bytes.length} bytes instead of ${length}`);
  return bytes;
}

function meaningless(why: string): HoldfastError {
  return new HoldfastError({
    kind: 'Validation',
    code: 'COMMAND_MALFORMED',
    message: `The server sent a command that cannot be carried out: ${why}.`,
  });
}
