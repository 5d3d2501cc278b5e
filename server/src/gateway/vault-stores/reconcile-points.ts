import { PackKind, parseObjectName, peekPoint } from '@holdfast/core/engine';
import { asHoldfastError } from '@holdfast/core/errors';
import { uuidFromBytes } from '@holdfast/core/ids';
import type { Log } from '../../platform/telemetry/log.js';
import type { ChunkIndex, Copy } from '../chunk-index/chunk-index.js';
import { CopySet } from '../chunk-index/copy-set.js';
import { hasTrustedEdges, isReadable } from '../chunk-index/copy-state.js';
import type { Coordination, FoundPoint } from '../coordination/coordination.js';
import { isDamage } from './damaged-frames.js';
import type { OpenVault } from './open-vault.js';
import { UnreadableObjects } from './unreadable-objects.js';

const ID_BYTES = 32;
const POINTS_PER_QUESTION = 200;

interface Found extends FoundPoint {
  readonly id: string;
  readonly jobId: string;
  readonly root: Buffer;
}

/**
 * Tells control of every point in the store, with whether all it reaches is there: after a crash
 * between point object and row, or with a catalog older than the store, control takes in what it lacks.
 */
export async function reconcilePoints(
  vault: OpenVault,
  coordination: Pick<Coordination, 'reconcilePoints'>,
  log: Log,
): Promise<void> {
  let batch: Found[] = [];
  const unreadable = new UnreadableObjects(vault, log);
  for await (const { name } of vault.store.list('point/', unreadable.add)) {
    if (parseObjectName(name)?.folder !== 'point') continue;
    const found = await readPoint(vault, name, log);
    if (found) batch.push(found);
    if (batch.length < POINTS_PER_QUESTION) continue;
    await ask(vault, coordination, batch, log);
    batch = [];
  }
  if (batch.length > 0) await ask(vault, coordination, batch, log);
  await unreadable.tell();
}

async function readPoint(vault: OpenVault, name: string, log: Log): Promise<Found | undefined> {
  try {
    const signed = await vault.store.get(name);
    const point = peekPoint({ name, bytes: signed });
    const id = uuidFromBytes(point.pointId);
    const complete = vault.index.pointById(id)?.state === 'recorded' || isComplete(vault.index, point.rootNode);
    return { id, jobId: uuidFromBytes(point.jobId), root: point.rootNode, signed, complete };
  } catch (error) {
    const failure = asHoldfastError(error);
    if (!isDamage(failure)) throw failure;
    log.error({ vaultId: vault.vaultId, object: name, reason: failure.message }, 'point.unreadable');
    return undefined;
  }
}

async function ask(
  vault: OpenVault,
  coordination: Pick<Coordination, 'reconcilePoints'>,
  batch: readonly Found[],
  log: Log,
): Promise<void> {
  const { adopted, quarantined } = await coordination.reconcilePoints(vault.vaultId, batch);
  for (const point of batch) {
    if (quarantined.includes(point.id)) continue;
    vault.index.savePoint(point);
    vault.index.setPointState(point.id, 'recorded');
  }
  if (adopted.length > 0 || quarantined.length > 0)
    log.warn({ vaultId: vault.vaultId, adopted, quarantined }, 'points.reconciled');
}

/** Whether a readable copy stands for the root and for everything below it. Looks at the index only. */
export function isComplete(index: ChunkIndex, root: Buffer): boolean {
  const seen = new CopySet();
  const stack = [root];
  const isFit = ({ state, pack }: Copy): boolean =>
    isReadable(state) && (index.packByNumber(pack).kind === PackKind.PACK_KIND_DATA || hasTrustedEdges(state));
  for (let ids = stack.pop(); ids !== undefined; ids = stack.pop()) {
    for (const [copy] of index.lookup(ids, (each) => (isFit(each) ? 1 : 0))) {
      if (!copy) return false;
      if (seen.has(copy.number)) continue;
      seen.add(copy.number);
      const edges = index.edgesOf(copy.number);
      if (edges.length >= ID_BYTES) stack.push(edges);
    }
  }
  return true;
}
