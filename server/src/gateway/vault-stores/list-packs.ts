import { type ObjectStore, parseObjectName } from '@holdfast/core/engine';
import { uuidFromBytes } from '@holdfast/core/ids';
import type { Log } from '../../platform/telemetry/log.js';
import type { Turn } from '../turn.js';
import { UnreadableObjects } from './unreadable-objects.js';

/**
 * Says of each pack that can be looked at that it is there. Whether all could: of what could not, nobody knows what it is. Throws Unavailable for
 * a store that cannot be read.
 */
export async function listPacks(
  vault: { readonly vaultId: string; readonly store: Pick<ObjectStore, 'stat' | 'list'> },
  { log, turn }: { readonly log: Log; readonly turn: Pick<Turn, 'pass'> },
  isThere: (packId: string) => void,
): Promise<boolean> {
  const unreadable = new UnreadableObjects(vault, log);
  for await (const { name } of vault.store.list('pack/', unreadable.add)) {
    await turn.pass();
    const parsed = parseObjectName(name);
    if (parsed?.folder === 'pack') isThere(uuidFromBytes(parsed.id));
  }
  await unreadable.tell();
  return !unreadable.any;
}
