import type { Clock, Timers } from '@holdfast/core/clock';
import { asHoldfastError, HoldfastError } from '@holdfast/core/errors';
import type { Random } from '@holdfast/core/ids';
import { reached } from '@holdfast/core/moments';
import { InvalidPatternError } from '@holdfast/core/path-patterns';
import { errorCode, isExhaustion } from '../../platform/posix-error.js';
import { stateFailure } from '../../state/state-failure.js';
import type { ChangeCacheCursor } from '../../workloads/files/change-cache-reader.js';
import { openChangeCache } from '../../workloads/files/change-cache-reader.js';
import { ChangeCacheWriter, UnwritableChangeCacheError } from '../../workloads/files/change-cache-writer.js';
import { InvalidRootError } from '../../workloads/files/root-tree.js';
import type { KnownTree, WalkBatch } from '../../workloads/files/walk.js';
import type { DataSession, DataTransport } from '../data-transport.js';
import type { BackupCommand, BackupOutcome, FilesSource, PathNotice } from '../job.js';
import type { JobRun } from '../job-run.js';
import { BackupPipeline } from './backup-pipeline.js';
import { ChangeCaches } from './change-caches.js';
import type { Existence } from './existence.js';
import { hostExhausted } from './host-exhausted.js';
import type { StartLane } from './lanes/lane-link.js';
import { PipelineStop } from './pipeline-stop.js';
import type { BasePlan } from './plan-base.js';
import { planBase } from './plan-base.js';
import { requireReadableRoot } from './require-readable-root.js';
import { claimOf, isReference } from './stored-content.js';
import { TreeBackup } from './tree-backup.js';

/** The host's files, as a backup reads them. */
export interface FilesWorkload {
  /** The roots that could not be backed up as things are. */
  check(source: FilesSource): Promise<readonly PathNotice[]>;
  /** What has not changed since what is known is told as such. */
  walk(source: FilesSource, signal: AbortSignal, known?: KnownTree): AsyncIterable<WalkBatch>;
}

export interface BackupPorts {
  readonly transport: DataTransport;
  readonly workload: FilesWorkload;
  readonly lanes: { readonly start: StartLane; readonly most: number };
  readonly clock: Clock & Timers;
  readonly random: Random;
  readonly agentId: string;
  readonly cacheFolder: string;
  /** Every frame is opened before it is sent. */
  readonly paranoid: boolean;
}

/** First with the cache; then without what the vault was found to lack; then everything is read. */
const WALKS = 3;

/** One backup of a FILES item, from the base to the commit. Nothing that it leaves behind when it fails counts for anything. */
export async function runBackup(command: BackupCommand, run: JobRun, ports: BackupPorts): Promise<BackupOutcome> {
  const caches = await ChangeCaches.open(ports.cacheFolder, command.itemId);
  const domainId = command.domain.domainId.toString('hex');
  const stop = new PipelineStop(run.signal);
  let session: DataSession | undefined;
  let pipeline: BackupPipeline | undefined;
  let draft: ChangeCacheWriter | undefined;
  let cursor: ChangeCacheCursor | undefined;
  let tree: TreeBackup | undefined;
  try {
    run.rootTroubles = await ports.workload.check(command.files);
    session = await ports.transport.openSession(command.job, stop.signal, run.onWait);
    let damage = session.terms.damage.toString('hex');
    const { base, cursor: firstCursor } = openBase(planBase({ ...command, domainId, damage }, caches.known), caches);
    cursor = firstCursor;
    pipeline = await BackupPipeline.open(command, run, session, ports, stop, caches.claimsOf(command.job));

    run.phase = 'TRANSFERRING';
    for (let walk = 1; ; walk++) {
      if (walk > 1) {
        // The session would have what it took referred to whole for ever, also where the tree has changed since.
        await pipeline.close();
        await session.close();
        session = await ports.transport.openSession(command.job, stop.signal, run.onWait);
        pipeline = await pipeline.again(session);
        // More is damaged than was known: everything is read, and what is there comes again.
        const told = session.terms.damage.toString('hex');
        if (walk < WALKS && told === damage) cursor = openBase(base, caches).cursor;
        damage = told;
      }
      draft = new ChangeCacheWriter(caches.pathOf({ file: caches.draftOf(command.job) }), Buffer.from(command.itemId));
      startCounting(run);
      tree = new TreeBackup({ run, pipeline, draft });
      const known = cursor && { cursor, usable: isUsable(pipeline.existence) };
      const rootNode = await tree.take(ports.workload.walk(command.files, stop.signal, known));
      cursor?.close();
      cursor = undefined;
      requireReadableRoot(command.files.roots, run.notices.kept);
      const absent = await pipeline.drain();
      if (absent.size === 0) pipeline.spoiled.tell(run, command.files.roots[0] ?? Buffer.from('/'));
      while (absent.size === 0) {
        run.phase = 'COMMITTING';
        reached('agent.all-sent');
        const answer = await session.commit(
          { rootNode, type: base.type, basePointId: base.basePointId, counters: { ...run.counters } },
          stop.signal,
        );
        if (answer.kind === 'committed') {
          reached('agent.commit-answered');
          const generation = String(command.cacheGeneration);
          const cache = { pointId: answer.pointId, generation, domainId, damage, file: caches.draftOf(command.job) };
          await keepCache(draft, () => caches.promote(cache, base.type), run, ports.cacheFolder);
          reached('agent.cache-written');
          run.phase = 'FINISHING';
          return {
            kind: 'backup',
            pointId: answer.pointId,
            type: base.type,
            basePointId: base.basePointId,
            typeReason: base.typeReason,
          };
        }
        // Another session than the one that answered and took everything knows nothing of it: that costs questions, and no walk.
        if (pipeline.existence.isOutdated) await pipeline.existence.settle();
        else for (const id of answer.ids) pipeline.existence.missing(id);
      }
      run.phase = 'TRANSFERRING';
      draft.discard();
      if (walk === WALKS) throw pipeline.spoiled.failure() ?? stillMissing();
    }
  } catch (error) {
    stop.fail(asFailure(error, ports.cacheFolder));
    stop.check();
    throw error;
  } finally {
    draft?.discard();
    cursor?.close();
    await pipeline?.close(() => tree?.abandon());
    await session?.close();
    stop.dispose();
  }
}

/** What the vault was found to lack is not to be referred to. */
function isUsable(existence: Existence): (reference: Buffer) => boolean {
  return (reference) => isReference(reference) && (reference.length === 0 || !existence.lacks(claimOf(reference)));
}

/** A cache that cannot be read is as good as none. */
function openBase(
  plan: BasePlan,
  caches: ChangeCaches,
): { readonly base: BasePlan; readonly cursor: ChangeCacheCursor | undefined } {
  if (plan.cache === undefined) return { base: plan, cursor: undefined };
  const opened = openChangeCache(caches.pathOf(plan.cache));
  if (opened.status === 'valid') return { base: plan, cursor: opened.cursor };
  return {
    base: { ...plan, cache: undefined, typeReason: `Everything was read: ${opened.reason}.` },
    cursor: undefined,
  };
}

/** What is seen is counted anew with every walk; what was read and sent is not. */
function startCounting({ counters, notices }: JobRun): void {
  notices.clear();
  Object.assign(counters, { entries: 0, files: 0, bytesTotal: 0, warnings: 0 });
}

/** The point is committed: a cache that cannot be kept is no failure any more, and costs the next backup its time. */
async function keepCache(
  draft: ChangeCacheWriter,
  promote: () => Promise<void>,
  { notices }: JobRun,
  folder: string,
): Promise<void> {
  try {
    draft.commit();
    await promote();
  } catch (error) {
    const cause = error instanceof UnwritableChangeCacheError ? error.cause : error;
    const { message } = asHoldfastError(stateFailure(folder, cause));
    notices.add(Buffer.from(folder), 'UNWRITABLE', `${message} The next backup reads everything.`);
  }
}

function asFailure(error: unknown, cacheFolder: string): unknown {
  if (error instanceof UnwritableChangeCacheError) return stateFailure(cacheFolder, error.cause);
  if (error instanceof Error && isExhaustion(errorCode(error))) return hostExhausted(error.message);
  if (error instanceof InvalidRootError || error instanceof InvalidPatternError) {
    return new HoldfastError({
      kind: 'Validation',
      code: 'DATASOURCE_INVALID',
      message: `The datasource cannot be backed up: ${error.message}.`,
      cause: error,
    });
  }
  return error;
}

function stillMissing(): HoldfastError {
  return new HoldfastError({
    kind: 'Unavailable',
    code: 'CHUNKS_STILL_MISSING',
    message: 'The vault still misses chunks after everything was sent again. A full backup sends all that it needs.',
  });
}
