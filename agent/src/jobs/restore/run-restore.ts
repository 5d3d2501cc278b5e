import { resolvePath } from '@holdfast/core/engine';
import { HoldfastError } from '@holdfast/core/errors';
import type { FileEntry } from '../../workloads/files/file-entry.js';
import type { FolderSet } from '../../workloads/files/folder-set.js';
import type { NewFileWriters } from '../../workloads/files/new-file.js';
import { RestoreConflictError } from '../../workloads/files/restore-conflict.js';
import type { FileJournal } from '../../workloads/files/restore-journal.js';
import { TargetFullError } from '../../workloads/files/restore-run.js';
import { RestoreWriter } from '../../workloads/files/restore-writer.js';
import type { ReadSession, ReadTransport } from '../data-transport.js';
import type { RestoreCommand, RestoreOutcome } from '../job.js';
import type { JobRun } from '../job-run.js';
import { NOTICE_KINDS } from '../notices.js';
import { toFileEntry } from '../tree-entries.js';
import { ChunkReader } from './chunk-reader.js';
import { DamageError } from './damage.js';
import type { FrameOpener } from './frame-opener.js';
import { measure, measureAhead } from './measure.js';
import { probeConflicts } from './probe-conflicts.js';
import { batchItems, oneAhead } from './restore-batches.js';
import type { RestoreJournals } from './restore-journals.js';
import { checkRestoreRoots, checkTargetLocation, type IgnoredRoot } from './restore-roots.js';
import type { Selection } from './selection.js';
import { namesOfPath, pathOfNames, planSelection } from './selection.js';
import { targetFailure } from './target-failure.js';
import { full, TargetRoom } from './target-room.js';
import { TreeRestore } from './tree-restore.js';
import { walkTree } from './tree-walk.js';

export interface RestorePorts {
  readonly transport: ReadTransport;
  /** The host's own limits; undefined: anywhere. */
  readonly restoreRoots: () => Promise<readonly string[] | undefined>;
  /** Told of those that cannot be found. */
  readonly onIgnoredRoot?: IgnoredRoot;
  /** Folders of Holdfast on this host, as they are now. */
  readonly ownFolders: () => FolderSet;
  readonly journals: RestoreJournals;
  /** Where new files are made; here, where absent. */
  readonly writers?: NewFileWriters;
  /** Where frames of data are opened; here, where absent. */
  readonly opener?: FrameOpener;
}

/** One restore. What can be restored is, whatever happens to single entries; what could not decides how the job ends. */
export async function runRestore(command: RestoreCommand, run: JobRun, ports: RestorePorts): Promise<RestoreOutcome> {
  const base = namesOfPath(command.base);
  namesOfPath(command.targetPath);
  const selection = planSelection(command.select, base);
  const roots = await ports.restoreRoots();
  const places = placesOf(command.select, base);
  try {
    checkRestoreRoots(roots, command.targetPath, places, ports.onIgnoredRoot);
  } catch (error) {
    throw asFailure(error, command.targetPath);
  }
  const session = await ports.transport.openSession(command.job, run.signal, run.onWait);
  try {
    const outcome = await restoreTree(
      command,
      run,
      session,
      { ...ports, base, selection, never: ports.ownFolders() },
      (location) => checkTargetLocation(roots, location, places),
    );
    run.phase = 'FINISHING';
    return outcome;
  } catch (error) {
    // Without the way to it, nothing of what was asked for can be had: the folder stands for all of it.
    if (error instanceof DamageError)
      run.notices.add(pathOfNames(base), 'DAMAGED', `it cannot be reached: ${error.message}`);
    throw asFailure(error, command.targetPath);
  } finally {
    run.counters.warnings = run.notices.total;
    await session.close();
  }
}

interface WhatToRestore extends Pick<RestorePorts, 'journals' | 'writers' | 'opener'> {
  readonly base: readonly Buffer[];
  readonly selection: Selection;
  readonly never: FolderSet;
}

async function restoreTree(
  command: RestoreCommand,
  run: JobRun,
  session: ReadSession,
  { base, selection, never, writers, opener, journals }: WhatToRestore,
  checkTarget: (location: Buffer) => void,
): Promise<RestoreOutcome> {
  const reader = new ChunkReader(session, command, run.signal, opener);
  const fetchNode = (id: Buffer) => reader.node(id);
  const start = await findBase(command, base, reader);
  await fetchNode(start.node);
  const bounds = { declaredEntries: command.pointEntries, throwIfStopped: () => run.throwIfStopped() };
  const walk = () => walkTree(start.node, selection, fetchNode, bounds);
  const { targetPath } = command;
  const mayConflict = command.onConflict === 'FAIL';
  const known = (opened: Buffer) => journals.of(command, opened);
  const probed = mayConflict && (await probeConflicts(() => measure(walk(), run), targetPath, known));
  if (!probed && run.expectedBytes === 0) await measureAhead(walk(), run);

  run.phase = 'TRANSFERRING';
  let journal: FileJournal | undefined;
  const writer = RestoreWriter.open({
    target: command.targetPath,
    onConflict: command.onConflict,
    journal: (opened) => {
      journal = journals.of(command, opened);
      return journal;
    },
    mark: journals.markOf(command),
    never,
    check: checkTarget,
    ...(writers && { writers }),
    // With single paths selected, the directory above them is not part of what was asked for.
    ...(start.entry && selection === 'all' && { base: start.entry }),
    onNotice: ({ kind, path, message }) => {
      run.notices.add(path, NOTICE_KINDS[kind], message);
      run.counters.warnings = run.notices.total;
    },
    onSettled: (outcome) => {
      run.counters.entries += 1;
      if (outcome === 'skipped') run.counters.entriesSkipped += 1;
    },
  });
  let finished = false;
  try {
    // Folders on the way may have been moved since.
    checkTarget(writer.location);
    journals.removeOld();
    journal?.begin(writer.isOurs);
    const places = { target: command.targetPath, base: pathOfNames(base) };
    const tree = new TreeRestore(run, reader, places, writer.root, new TargetRoom(() => writer.room()));
    await tree.take(oneAhead(batchItems(walk(), reader)));
    run.phase = 'FINISHING';
    finished = true;
    const { failed } = await writer.finish();
    if (failed === 0) journal?.end();
    return conclude(run, failed, tree.absent);
  } finally {
    if (!finished) await writer.abandon();
    journal?.close();
  }
}

/** The directory of the point that comes to lie at the target. The virtual root has no entry. */
async function findBase(
  command: RestoreCommand,
  base: readonly Buffer[],
  reader: ChunkReader,
): Promise<{ readonly node: Buffer; readonly entry: FileEntry | undefined }> {
  if (base.length === 0) return { node: command.rootNode, entry: undefined };
  const entry = await resolvePath(command.rootNode, base, (id) => reader.node(id));
  if (entry?.content?.kind !== 'node' || toFileEntry(entry).type !== 'directory') {
    throw new HoldfastError({
      kind: 'NotFound',
      code: 'BASE_NOT_IN_POINT',
      message: `The recovery point has no folder ${command.base.toString()} that could be read.`,
    });
  }
  return { node: entry.content.id, entry: toFileEntry(entry) };
}

function conclude(run: JobRun, failed: number, absent: readonly Buffer[]): RestoreOutcome {
  const damaged = run.notices.count('DAMAGED');
  if (damaged > 0) {
    throw new HoldfastError({
      kind: 'Integrity',
      code: 'STORED_DATA_DAMAGED',
      message: `${damaged === 1 ? '1 entry is' : `${damaged} entries are`} damaged in the vault and absent; all others were restored. A full backup heals what its source still has.`,
      details: { damaged: String(damaged) },
    });
  }
  if (failed > 0) {
    throw new HoldfastError({
      kind: 'IllegalState',
      code: 'RESTORE_INCOMPLETE',
      message: `${failed === 1 ? '1 entry' : `${failed} entries`} could not be written, for the reasons given; all others were restored.`,
      details: { failed: String(failed) },
    });
  }
  const [first] = absent;
  if (first !== undefined) {
    throw new HoldfastError({
      kind: 'NotFound',
      code: 'SELECTION_NOT_IN_POINT',
      message: `The recovery point has nothing that would come to lie at ${first.toString()}.`,
      details: { absent: String(absent.length) },
    });
  }
  return {
    kind: 'restore',
    notRestorable: run.notices.count('NOT_RESTORABLE'),
    damaged,
  };
}

function placesOf(select: readonly Buffer[], base: readonly Buffer[]): (readonly Buffer[])[] {
  return select.length === 0 ? [[]] : select.map((path) => namesOfPath(path).slice(base.length));
}

function asFailure(error: unknown, target: Buffer): unknown {
  if (error instanceof RestoreConflictError) {
    return new HoldfastError({
      kind: 'Conflict',
      code: 'RESTORE_CONFLICT',
      message: `The restore was told to fail on conflicts: ${error.message}.`,
      cause: error,
    });
  }
  if (error instanceof DamageError) {
    return new HoldfastError({
      kind: 'Integrity',
      code: 'STORED_DATA_DAMAGED',
      message: `The way to what shall be restored is damaged: ${error.message}.`,
      cause: error,
    });
  }
  if (error instanceof TargetFullError) return full('nothing');
  return targetFailure(target, error) ?? error;
}
