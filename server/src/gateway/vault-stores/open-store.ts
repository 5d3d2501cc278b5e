import { realpath, stat } from 'node:fs/promises';
import { dirname, isAbsolute, normalize, sep } from 'node:path';
import { CallLine, callsInTurn, type FileCalls, type ObjectStore, openLocalStore } from '@holdfast/core/engine';
import { HoldfastError } from '@holdfast/core/errors';
import type { Random } from '@holdfast/core/ids';

export type StoreOpener = (storeUrl: string, options: { readonly create: boolean }) => Promise<ObjectStore>;

/** System calls that a disk may have under way, of all stores on it. */
const MOST_CALLS = 4;

/**
 * Opens stores by their URL: `local:/absolute/path`, below one of `roots` (real paths). A folder is made
 * only when `create` says so: its disk may not be mounted.
 */
export function createStoreOpener(ports: { readonly random: Random; readonly roots: readonly string[] }): StoreOpener {
  /** By the folder around stores: nobody knows yet on which disk they lie, and whether it answers. */
  const looks = new Map<string, CallLine>();
  const disks = new Map<number, FileCalls>();
  return async (storeUrl, { create }) => {
    const root = localPath(storeUrl);
    const disk = await known(looks, dirname(root), () => new CallLine(1)).wait(() => checkPlace(root, ports.roots));
    const calls = known(disks, disk, () => callsInTurn(MOST_CALLS));
    return openLocalStore({ root, owner: 'gateway', random: ports.random, create, calls });
  };
}

function localPath(storeUrl: string): string {
  const path = storeUrl.startsWith('local:') ? storeUrl.slice('local:'.length) : '';
  if (!isAbsolute(path) || normalize(path) !== path || path === '/' || path.includes('\0'))
    throw refused('A store is given as local:/absolute/path.');
  return path;
}

/** The folder, or the nearest of its parents that exists, must really lie below a root: a link may not lead out. Returns the number of its disk. */
async function checkPlace(path: string, roots: readonly string[]): Promise<number> {
  if (!isBelow(path, roots)) throw refused('The store lies outside the folders that this server may use for vaults.');
  for (let existing = path; ; existing = dirname(existing)) {
    const real = await realpath(existing).catch(() => undefined);
    if (real === undefined && existing !== '/') continue;
    if (real === undefined || !isBelow(real, roots))
      throw refused('The store lies outside the folders that this server may use for vaults.');
    return (await stat(real)).dev;
  }
}

function isBelow(path: string, roots: readonly string[]): boolean {
  return roots.some((root) => path === root || path.startsWith(root.endsWith(sep) ? root : root + sep));
}

function refused(message: string): HoldfastError {
  return new HoldfastError({ kind: 'Validation', code: 'STORE_URL', message });
}

function known<Key, Value>(values: Map<Key, Value>, key: Key, make: () => Value): Value {
  const value = values.get(key) ?? make();
  values.set(key, value);
  return value;
}
