import { readFile, rename, writeFile } from 'node:fs/promises';
import type { StateFolder } from './state-folder.js';

/** What the agent tells `holdfast-agent status`, and left said when it ended. Nothing depends on it. */
export interface RunStatus {
  readonly connected: boolean;
  /** Why it is not connected; null while it is, and before that is known. */
  readonly lastError: string | null;
  readonly jobs: readonly string[];
}

export async function writeRunStatus(folder: StateFolder, status: RunStatus): Promise<void> {
  const beside = `${folder.statusFile}.new`;
  await writeFile(beside, JSON.stringify(status), { mode: 0o600 });
  await rename(beside, folder.statusFile);
}

/** Undefined when there is none that can be read. */
export async function readRunStatus(folder: StateFolder): Promise<RunStatus | undefined> {
  try {
    return JSON.parse(await readFile(folder.statusFile, 'utf8')) as RunStatus;
  } catch {
    return undefined;
  }
}
