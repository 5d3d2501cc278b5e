/**
 * The commit of a backup. Each step is durable before the next, and each may be taken again:
 *
 * 1. every node of the session is closed and so is the root, or the agent is told what is missing;
 * 2. the footers of all stored packs stand in index objects;
 * 3. control signs the point, and the index keeps it: a retry, also under a newer lease, signs no second one;
 * 4. the point object is in the store: from here on the backup exists;
 * 5. control records it, fenced by the epoch.
 *
 * A crash after 4 and before 5 is settled by the agent's retry, or when a gateway starts and control
 * is told of the points in the store.
 */
import { PackKind, pointName } from '@holdfast/core/engine';
import { uuidToBytes } from '@holdfast/core/ids';
import { reached } from '@holdfast/core/moments';
import type { IncidentRelay } from '../../platform/incidents/incident-relay.js';
import { tooFast } from '../../platform/pace.js';
import type { Log } from '../../platform/telemetry/log.js';
import type { Copy, Point } from '../chunk-index/chunk-index.js';
import type { BackupType, Coordination, Counters } from '../coordination/coordination.js';
import type { GatewayLimits } from '../limits.js';
import type { Turn } from '../turn.js';
import { closeOpenNodes, mayBeReferredTo, missingBelow } from './close-nodes.js';
import type { PausedUploads } from './paused-uploads.js';
import { invalid, notNow } from './refusals.js';
import type { Session } from './session.js';

const ID_BYTES = 32;
const LOOKUPS_PER_TURN = 1_024;

export interface CommitPorts {
  readonly coordination: Pick<Coordination, 'preparePoint' | 'recordPoint'>;
  readonly incidents: Pick<IncidentRelay, 'report'>;
  readonly limits: GatewayLimits;
  readonly log: Log;
  readonly pausedUploads: Pick<PausedUploads, 'makeRoomIfFull'>;
}

export interface CommitRequest {
  readonly root: Buffer;
  readonly type: BackupType;
  readonly basePointId: Buffer;
  readonly counters: Counters | undefined;
}

export type CommitOutcome =
  | { readonly kind: 'committed'; readonly pointId: string }
  | { readonly kind: 'missing'; readonly ids: Buffer };

export async function commitSession(
  ports: CommitPorts,
  session: Session,
  request: CommitRequest,
): Promise<CommitOutcome> {
  session.requireKind('backup');
  reached('gateway.commit-received');
  if (request.root.length !== ID_BYTES) throw invalid('MALFORMED_ROOT', 'The root is the 32-byte id of a node.');
  if (session.committed) {
    if (session.committed.root.equals(request.root)) return { kind: 'committed', pointId: session.committed.pointId };
    throw notNow('ALREADY_COMMITTED', 'The session has committed another root.');
  }
  const leave = session.enter('commit', 1);
  try {
    if (session.uploads.size > 0)
      throw notNow('UPLOADS_UNDER_WAY', 'Uploads of this session are under way: wait for their answers, then commit.');
    const { vault } = session;
    const known = vault.index.findPoint(session.job.jobId, request.root);
    // All that a stored point leads to was there before it; a session that replaces the one which committed it cannot know.
    if (known === undefined || known.state === 'prepared') {
      const retryInMs = session.triesAgainInMs;
      if (retryInMs > 0) throw tooFast(retryInMs);
      const turn = session.turn();
      const missing = await whatIsMissing(session, request.root, ports.limits, turn);
      if (missing.length > 0) {
        await reportUnclaimed(ports, session, missing, turn);
        session.wasFruitless(turn.spentMs());
        return { kind: 'missing', ids: Buffer.concat(missing) };
      }
      await vault.indexObjects.writePending();
      reached('gateway.footers-stored');
    }
    const point = known ?? (await prepare(ports, session, request));
    session.assertOpen();
    reached('gateway.point-kept');
    await vault.store.put(pointName(uuidToBytes(point.id)), point.signed, { ifAbsent: true });
    reached('gateway.point-stored');
    vault.index.setPointState(point.id, 'stored');
    session.assertOpen();
    await ports.coordination.recordPoint(session.agentId, session.job, { pointId: point.id, signed: point.signed });
    reached('gateway.point-recorded');
    vault.index.setPointState(point.id, 'recorded');
    vault.index.setSessionState(session.number, 'committed');
    reached('gateway.commit-finished');
    session.committed = { root: request.root, pointId: point.id };
    ports.log.info(
      { sessionId: session.id, jobId: session.job.jobId, vaultId: vault.vaultId, pointId: point.id },
      'session.committed',
    );
    return { kind: 'committed', pointId: point.id };
  } catch (error) {
    await ports.pausedUploads.makeRoomIfFull(session.vault.vaultId, error);
    throw error;
  } finally {
    leave();
  }
}

async function prepare(ports: CommitPorts, session: Session, request: CommitRequest): Promise<Point> {
  const prepared = await ports.coordination.preparePoint({ agentId: session.agentId, job: session.job, ...request });
  session.assertOpen();
  return session.vault.index.savePoint({
    id: prepared.pointId,
    jobId: session.job.jobId,
    root: request.root,
    signed: prepared.signed,
  });
}

async function whatIsMissing(session: Session, root: Buffer, limits: GatewayLimits, turn: Turn): Promise<Buffer[]> {
  const missing = await missingBelow(session, limits.maxMissingPerCommit, turn);
  if (missing.length > 0) return missing;
  await closeOpenNodes(session, turn);
  const { index } = session.vault;
  const isNode = (copy: Copy): boolean =>
    mayBeReferredTo(session, copy) && index.packByNumber(copy.pack).kind === PackKind.PACK_KIND_NODE;
  const [copies = []] = index.lookup(root, (copy) => (isNode(copy) ? 1 : 0));
  return copies.length > 0 ? [] : [root];
}

/** What was proved in this session may have turned out bad since; what never was, somebody only knows the id of. */
async function reportUnclaimed(
  { incidents }: CommitPorts,
  session: Session,
  missing: readonly Buffer[],
  turn: Turn,
): Promise<void> {
  const isKnown = (copy: Copy): number => (session.known.has(copy.number) ? 1 : 0);
  let areKnown = true;
  for (let from = 0; areKnown && from < missing.length; from += LOOKUPS_PER_TURN) {
    await turn.pass();
    const ids = Buffer.concat(missing.slice(from, from + LOOKUPS_PER_TURN));
    areKnown = session.vault.index.lookup(ids, isKnown).every((copies) => copies.length > 0);
  }
  if (areKnown) return;
  incidents.report({
    kind: 'commit',
    reason: 'CHUNKS_NOT_PROVED',
    agentId: session.agentId,
    vaultId: session.vault.vaultId,
    jobId: session.job.jobId,
  });
}
