import { rmdir, unlink } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { PreparedFolder } from './state-folder.js';
import { lockState } from './state-lock.js';

/** Takes back what was made for an agent that did not come to be. A folder that was there stays, and so does one that somebody else has begun to use. */
export async function removeUnusedFolder(folder: PreparedFolder): Promise<void> {
  const { firstMade } = folder;
  if (firstMade === undefined) return;
  try {
    const lock = lockState(folder);
    try {
      for (const part of [folder.cacheFolder, folder.outcomeFolder, folder.restoreFolder]) await rmdir(part);
      await unlink(folder.lockFile);
    } finally {
      lock.release();
    }
    for (let path = folder.path; path.length >= firstMade.length; path = dirname(path)) await rmdir(path);
  } catch {
    // It is not empty, or in use: there is nothing else to be done about it.
  }
}
