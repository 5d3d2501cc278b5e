import { type ObjectStore, parseObjectName } from '@holdfast/core/engine';
import { HoldfastError } from '@holdfast/core/errors';
import { uuidFromBytes } from '@holdfast/core/ids';
import type { Log } from '../../platform/telemetry/log.js';
import type { ChunkIndex } from '../chunk-index/chunk-index.js';
import { markMissing } from './missing-packs.js';

export interface SettledVault {
  readonly interruptedSessions: number;
  /** Files without rows, remembered for the collector; never deleted here. */
  readonly leakedPacks: number;
  /** Rows without a file: their copies count for no new backup. */
  readonly missingPacks: number;
}

/**
 * Puts in order what an earlier process left behind, before the vault is served. Throws IllegalState
 * when the store holds packs and the index knows none: then the index was lost, and to answer from an
 * empty one would call every point incomplete.
 */
export async function settleVault(
  vaultId: string,
  store: Pick<ObjectStore, 'list' | 'stat'>,
  index: ChunkIndex,
  log: Log,
): Promise<SettledVault> {
  const interruptedSessions = index.interruptOpenSessions();
  const stored = new Set(index.packIds('stored'));
  const arriving = new Set(index.packIds('arriving'));
  const leaked: string[] = [];
  for await (const { name } of store.list('pack/')) {
    const parsed = parseObjectName(name);
    if (parsed?.folder !== 'pack') continue;
    if (index.isNew()) throw lostIndex();
    const id = uuidFromBytes(parsed.id);
    if (stored.delete(id)) continue;
    arriving.delete(id);
    leaked.push(id);
  }
  index.recordLeakedPacks(leaked);
  for (const id of arriving) {
    const pack = index.findPack(id);
    if (pack) index.forgetArrivingPack(pack.number);
  }
  index.skipIndexNumbersTo((await lastIndexNumber(store)) + 1);
  const settled = { interruptedSessions, leakedPacks: leaked.length, missingPacks: stored.size };
  // A store that holds something else says nothing of them; reads will fail, and say why.
  await markMissing(store, index, stored).catch((error: unknown) =>
    log.warn({ vaultId, err: error }, 'vault.packs_not_listed'),
  );
  if (settled.missingPacks > 0) log.error({ vaultId, ...settled }, 'vault.packs_missing');
  else log.info({ vaultId, ...settled }, 'vault.settled');
  return settled;
}

async function lastIndexNumber(store: Pick<ObjectStore, 'list'>): Promise<number> {
  let last = 0;
  for await (const { name } of store.list('index/')) {
    const parsed = parseObjectName(name);
    if (parsed?.folder === 'index') last = Math.max(last, Number(parsed.number));
  }
  return last;
}

function lostIndex(): HoldfastError {
  return new HoldfastError({
    kind: 'IllegalState',
    code: 'INDEX_LOST',
    message:
      'The vault holds packs, but its chunk index is missing. Put the index file back from a copy; the vault is not served until then.',
  });
}
