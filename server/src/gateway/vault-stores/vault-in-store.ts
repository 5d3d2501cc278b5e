import { descriptorName, isFailingDisk, mayBeAlone, type ObjectStore } from '@holdfast/core/engine';
import { asHoldfastError, HoldfastError } from '@holdfast/core/errors';

type Looked = Pick<ObjectStore, 'stat' | 'list'>;

/** The first object that a vault gets, and that it never loses. */
const FIRST = descriptorName(1n);

/**
 * Throws Unavailable for a store that does not hold the vault: it is another one, such as the folder below a disk that is not mounted, and nothing that
 * is not there says anything of the vault. So it does for one that cannot be read at all.
 */
export async function requireVaultIn(store: Looked): Promise<void> {
  if (await holdsVault(store)) return;
  throw new HoldfastError({
    kind: 'Unavailable',
    code: 'STORE_EMPTY',
    message: "The store's folder does not hold the vault: is its disk mounted?",
  });
}

async function holdsVault(store: Looked): Promise<boolean> {
  try {
    return (await store.stat(FIRST)) !== undefined;
  } catch (error) {
    if (!isFailingDisk(asHoldfastError(error))) throw error;
    // The descriptor may be all that cannot be read, as any other object. A vault that holds anything has a domain, too.
    for await (const _domain of store.list('domain/')) return true;
    throw error;
  }
}

/**
 * Whether a store that holds the vault does not hold this object. One that is away and comes back between two questions has lost nothing: so both are
 * asked again. Throws Unavailable for a store that does not hold the vault.
 */
export async function isGone(store: Looked, name: string): Promise<boolean> {
  for (const _time of ['first', 'again']) {
    if ((await store.stat(name)) !== undefined) return false;
    await requireVaultIn(store);
  }
  return true;
}

/** As `isGone`, or there and not to be read, although the store is. */
export async function isLost(store: Looked, name: string): Promise<boolean> {
  try {
    return await isGone(store, name);
  } catch (error) {
    if (!mayBeAlone(asHoldfastError(error))) throw error;
    await requireVaultIn(store);
    return true;
  }
}
