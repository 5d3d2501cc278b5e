import { mkdir, realpath } from 'node:fs/promises';
import { basename, dirname, isAbsolute, join, resolve, sep } from 'node:path';
import { HoldfastError } from '@holdfast/core/errors';
import type { RegionServices } from './ports.js';

const SCHEME = 'local:';
const MAX_PATH = 1_000;

/** Admits stores below these roots, which exist already and whose own links were followed at start. */
export function createAllowedStores(roots: readonly string[]): RegionServices {
  return {
    async admitStore(storeUrl) {
      const path = storeUrl.startsWith(SCHEME) ? storeUrl.slice(SCHEME.length) : '';
      if (!isAbsolute(path) || path.length > MAX_PATH || path.includes('\0') || resolve(path) !== path) {
        throw refused('A store is written local:/absolute/path, without .. and doubled or trailing slashes.');
      }
      // First what exists: making a folder through a link that leads out would already be a write outside.
      const real = await realPathOf(path);
      if (!roots.some((root) => real === root || real.startsWith(root === sep ? sep : root + sep))) {
        throw refused('That store lies outside the folders that this server may keep vaults in (--store-root).');
      }
      try {
        await mkdir(real, { recursive: true, mode: 0o700 });
      } catch (cause) {
        throw new HoldfastError({
          kind: 'Validation',
          code: 'STORE_NOT_WRITABLE',
          message: 'The server cannot make that folder.',
          cause,
        });
      }
      if ((await realpath(real)) !== real) throw refused('That store moved while it was being checked.');
      return SCHEME + real;
    },
  };
}

/** The real path of what exists of it, and the rest as it stands. */
async function realPathOf(path: string): Promise<string> {
  try {
    return await realpath(path);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'ENOENT' || dirname(path) === path)
      throw refused('The server cannot read that path.', cause);
    return join(await realPathOf(dirname(path)), basename(path));
  }
}

function refused(message: string, cause?: unknown): HoldfastError {
  return new HoldfastError({ kind: 'Validation', code: 'STORE_NOT_ALLOWED', message, cause });
}
