import { type ObjectStore, parseObjectName } from '@holdfast/core/engine';
import { HoldfastError } from '@holdfast/core/errors';
import type { Log } from '../../platform/telemetry/log.js';
import type { ChunkIndex } from '../chunk-index/chunk-index.js';
import type { Turn } from '../turn.js';
import { listPacks } from './list-packs.js';
import { markMissing } from './missing-packs.js';
import { UnreadableObjects } from './unreadable-objects.js';

export interface SettledVault {
  readonly interruptedSessions: number;
  /** Files without rows, remembered for the collector; never deleted here. */
  readonly leakedPacks: number;
  /** Rows without a file that was listed: unless it is there all the same, their copies count for no new backup. */
  readonly missingPacks: number;
}

/**
 * Puts in order what an earlier process left behind, before the vault is served. Throws IllegalState
 * when the store holds packs and the index knows none: then the index was lost, and to answer from an
 * empty one would call every point incomplete. What cannot be read of a store that can is passed over and counts as
 * missing; whatever else goes wrong is thrown, for a pack that is missing and not known to be would be relied on.
 */
export async function settleVault(
  vaultId: string,
  store: Pick<ObjectStore, 'list' | 'stat'>,
  index: ChunkIndex,
  { log, turn }: { readonly log: Log; readonly turn: Pick<Turn, 'pass'> },
): Promise<SettledVault> {
  const interruptedSessions = index.interruptOpenSessions();
  const stored = new Set(index.packIds('stored'));
  const arriving = new Set(index.packIds('arriving'));
  const leaked: string[] = [];
  const isNew = index.isNew();
  const isWhole = await listPacks({ vaultId, store }, { log, turn }, (id) => {
    if (isNew) throw lostIndex();
    if (stored.delete(id)) return;
    arriving.delete(id);
    leaked.push(id);
  });
  if (isNew && !isWhole) throw lostIndex();
  index.recordLeakedPacks(leaked);
  // What cannot be looked at may be the file of any of them.
  if (isWhole) forgetArriving(index, arriving);
  index.skipIndexNumbersTo((await lastIndexNumber({ vaultId, store }, log)) + 1);
  await markMissing({ store, index }, stored, turn);
  const settled = { interruptedSessions, leakedPacks: leaked.length, missingPacks: stored.size };
  if (settled.missingPacks > 0) log.error({ vaultId, ...settled }, 'vault.packs_missing');
  else log.info({ vaultId, ...settled }, 'vault.settled');
  return settled;
}

function forgetArriving(index: ChunkIndex, packIds: Iterable<string>): void {
  for (const id of packIds) {
    const pack = index.findPack(id);
    if (pack) index.forgetArrivingPack(pack.number);
  }
}

/** Of those that can be looked at: a number that is taken is not taken again. */
async function lastIndexNumber(
  vault: { readonly vaultId: string; readonly store: Pick<ObjectStore, 'list' | 'stat'> },
  log: Log,
): Promise<number> {
  const unreadable = new UnreadableObjects(vault, log);
  let last = 0;
  for await (const { name } of vault.store.list('index/', unreadable.add)) {
    const parsed = parseObjectName(name);
    if (parsed?.folder === 'index') last = Math.max(last, Number(parsed.number));
  }
  await unreadable.tell();
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
