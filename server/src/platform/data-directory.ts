import { constants } from 'node:fs';
import { access, chmod, mkdir, realpath, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { HoldfastError } from '@holdfast/core/errors';
import Database from 'better-sqlite3';

/** Makes the data folder, readable by its owner alone. Throws Forbidden when this user may not write it. */
export async function prepareDataDirectory(folder: string): Promise<void> {
  try {
    await makeFolder(folder);
    const found = await stat(folder);
    if (!found.isDirectory()) throw Object.assign(new Error('not a folder'), { code: 'ENOTDIR' });
    await access(folder, constants.R_OK | constants.W_OK | constants.X_OK);
    if ((found.mode & 0o077) !== 0) await chmod(folder, 0o700);
  } catch (cause) {
    throw new HoldfastError({
      kind: 'Forbidden',
      code: 'DATA_FOLDER_NOT_WRITABLE',
      message: `The data folder ${folder} cannot be used (${(cause as NodeJS.ErrnoException).code ?? 'unknown'}). Choose another with --data, or give this user the right to write it.`,
      cause,
    });
  }
}

/** Makes the folders that vault stores may lie in, and gives their real paths. Throws Forbidden. */
export async function prepareStoreRoots(roots: readonly string[]): Promise<string[]> {
  return Promise.all(
    roots.map(async (root) => {
      try {
        await makeFolder(root);
        await access(root, constants.R_OK | constants.W_OK | constants.X_OK);
        return await realpath(root);
      } catch (cause) {
        throw new HoldfastError({
          kind: 'Forbidden',
          code: 'STORE_ROOT_NOT_WRITABLE',
          message: `The store folder ${root} cannot be used (${(cause as NodeJS.ErrnoException).code ?? 'unknown'}). Choose another with --store-root, or give this user the right to write it.`,
          cause,
        });
      }
    }),
  );
}

/** Node's recursive mkdir never ends where a parent exists and yet takes no folder, as in /proc. */
async function makeFolder(folder: string, mayMakeParent = true): Promise<void> {
  try {
    await mkdir(folder, { mode: 0o700 });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST') return;
    if (code !== 'ENOENT' || !mayMakeParent || dirname(folder) === folder) throw error;
    await makeFolder(dirname(folder));
    await makeFolder(folder, false);
  }
}

export interface FolderLock {
  release(): void;
}

/**
 * Takes `<folder>/<name>.lock` for as long as this process lives. It is an SQLite file held by an exclusive
 * transaction: the kernel frees it when the process ends in whatever way, and no stale lock can remain. Waits up to
 * `waitMs` for a holder that is just ending. Throws Locked.
 */
export async function lockFolder(folder: string, name: string, waitMs: number): Promise<FolderLock> {
  const file = join(folder, `${name}.lock`);
  const deadline = performance.now() + waitMs;
  for (;;) {
    const taken = tryLock(file);
    if (taken !== undefined) return taken;
    if (performance.now() >= deadline) {
      throw new HoldfastError({
        kind: 'Locked',
        code: 'DATA_FOLDER_IN_USE',
        message: `Another Holdfast server is running on ${folder}.`,
      });
    }
    await wait(100);
  }
}

function tryLock(file: string): FolderLock | undefined {
  const database = new Database(file, { timeout: 0 });
  try {
    database.exec('begin exclusive');
    return { release: () => database.close() };
  } catch (error) {
    database.close();
    if ((error as { code?: string }).code?.startsWith('SQLITE_BUSY') === true) return undefined;
    throw error;
  }
}
