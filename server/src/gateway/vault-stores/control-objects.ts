import { parseObjectName } from '@holdfast/core/engine';
import { HoldfastError } from '@holdfast/core/errors';
import type { VaultStoreRef } from '../coordination/coordination.js';
import type { VaultRegistry } from './vault-registry.js';

/** What control signs and has stored; packs, indexes and points are the gateway's own. */
const WRITABLE: ReadonlySet<string> = new Set(['descriptor', 'domain', 'log']);
const READABLE: ReadonlySet<string> = new Set([...WRITABLE, 'point']);

/** Stores an object that control signed unless one of that name is there. The first descriptor makes the vault's folder. */
export async function putObject(
  vaults: VaultRegistry,
  ref: VaultStoreRef,
  name: string,
  content: Buffer,
): Promise<boolean> {
  const folder = checkName(name, WRITABLE);
  const vault = await vaults.open(ref, { create: folder === 'descriptor' });
  return (await vault.store.put(name, content, { ifAbsent: true })).created;
}

/** Throws NotFound. */
export async function getObject(vaults: VaultRegistry, ref: VaultStoreRef, name: string): Promise<Buffer> {
  checkName(name, READABLE);
  const vault = await vaults.open(ref);
  return vault.store.get(name);
}

function checkName(name: string, folders: ReadonlySet<string>): string {
  const folder = parseObjectName(name)?.folder ?? '';
  if (!folders.has(folder)) {
    throw new HoldfastError({
      kind: 'Forbidden',
      code: 'OBJECT_NOT_PERMITTED',
      message: `Only objects of these folders are served here: ${[...folders].join(', ')}.`,
    });
  }
  return folder;
}
