import { chmod, mkdir, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { HoldfastError } from '@holdfast/core/errors';

/**
 * What an agent keeps on its host. Everything in it is the agent's alone (0700): the private key, the caches of what
 * was backed up, results that the server has not taken yet.
 */
export interface StateFolder {
  readonly path: string;
  readonly identityFile: string;
  readonly settingsFile: string;
  readonly statusFile: string;
  readonly lockFile: string;
  readonly cacheFolder: string;
  readonly outcomeFolder: string;
  /** Of restores that are not at their end. */
  readonly restoreFolder: string;
}

export function stateFolderAt(path: string): StateFolder {
  const root = resolve(path);
  return {
    path: root,
    identityFile: join(root, 'identity.json'),
    settingsFile: join(root, 'agent.json'),
    statusFile: join(root, 'status.json'),
    lockFile: join(root, 'lock.sqlite'),
    cacheFolder: join(root, 'cache'),
    outcomeFolder: join(root, 'outcomes'),
    restoreFolder: join(root, 'restores'),
  };
}

/** One that can be worked with. */
export interface PreparedFolder extends StateFolder {
  /** The uppermost of the folders on the way to it that were missing and are made now; undefined if it was there. */
  readonly firstMade: string | undefined;
}

/** Makes the folder and its parts. Throws Validation when it belongs to somebody else or may not be written. */
export async function prepareStateFolder(path: string, uid: number): Promise<PreparedFolder> {
  const folder = stateFolderAt(path);
  try {
    const firstMade = await mkdir(folder.path, { recursive: true, mode: 0o700 });
    const status = await stat(folder.path);
    if (status.uid !== uid) throw unusable(folder.path, 'it belongs to another user', undefined);
    if ((status.mode & 0o077) !== 0) await chmod(folder.path, 0o700);
    for (const part of [folder.cacheFolder, folder.outcomeFolder, folder.restoreFolder])
      await mkdir(part, { recursive: true, mode: 0o700 });
    return { ...folder, firstMade };
  } catch (error) {
    if (error instanceof HoldfastError) throw error;
    throw unusable(folder.path, (error as Error).message, error);
  }
}

function unusable(path: string, why: string, cause: unknown): HoldfastError {
  return new HoldfastError({
    kind: 'Validation',
    code: 'STATE_UNUSABLE',
    message: `Cannot use the state folder ${path}: ${why}.`,
    cause,
  });
}
