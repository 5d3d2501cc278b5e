import { descriptorName, type ObjectStore } from '@holdfast/core/engine';
import { HoldfastError } from '@holdfast/core/errors';

/** The first object that a vault gets, and that it never loses. */
const FIRST = descriptorName(1n);

/**
 * Throws Unavailable for a store that does not hold the vault: it is another one, such as the folder below a disk that is not mounted, and nothing that
 * is not there says anything of the vault.
 */
export async function requireVaultIn(store: Pick<ObjectStore, 'stat'>): Promise<void> {
  if ((await store.stat(FIRST)) !== undefined) return;
  throw new HoldfastError({
    kind: 'Unavailable',
    code: 'STORE_EMPTY',
    message: "The store's folder does not hold the vault: is its disk mounted?",
  });
}

/**
 * Whether a store that holds the vault does not hold this object. One that is away and comes back between two questions has lost nothing: so both are
 * asked again. Throws Unavailable for a store that does not hold the vault.
 */
export async function isGone(store: Pick<ObjectStore, 'stat'>, name: string): Promise<boolean> {
  for (const _time of ['first', 'again']) {
    if ((await store.stat(name)) !== undefined) return false;
    await requireVaultIn(store);
  }
  return true;
}
