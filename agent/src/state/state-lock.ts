import { chmodSync, existsSync } from 'node:fs';
import { HoldfastError } from '@holdfast/core/errors';
import Database from 'better-sqlite3';
import type { StateFolder } from './state-folder.js';

export interface StateLock {
  release(): void;
}

/**
 * One process at a time works with a state folder. The lock is SQLite's on a database of its own, so the kernel
 * drops it with the process, however that ends. Throws Locked.
 */
export function lockState(folder: StateFolder): StateLock {
  const database = tryLock(folder);
  if (database === undefined) {
    throw new HoldfastError({
      kind: 'Locked',
      code: 'STATE_IN_USE',
      message: `Another agent process is using ${folder.path}.`,
    });
  }
  // SQLite makes files that others may read. By its path: closing a descriptor of the file would drop the lock.
  chmodSync(folder.lockFile, 0o600);
  return { release: () => database.close() };
}

/** Whether a process holds the folder now. */
export function isStateLocked(folder: StateFolder): boolean {
  if (!existsSync(folder.lockFile)) return false;
  const database = tryLock(folder);
  database?.close();
  return database === undefined;
}

function tryLock(folder: StateFolder): Database.Database | undefined {
  const database = new Database(folder.lockFile, { timeout: 0 });
  try {
    database.exec('BEGIN EXCLUSIVE');
    return database;
  } catch (error) {
    database.close();
    if ((error as { code?: string }).code?.startsWith('SQLITE_BUSY') === true) return undefined;
    throw error;
  }
}
