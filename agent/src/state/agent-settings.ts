import { HoldfastError } from '@holdfast/core/errors';
import { readFileIfThere } from './atomic-file.js';
import type { StateFolder } from './state-folder.js';

/** What the host's owner decides against the server: `agent.json` in the state folder, absent by default. */
export interface AgentSettings {
  /** Restores may write only below these absolute paths; undefined: anywhere. */
  readonly restoreRoots?: readonly string[];
}

const KNOWN = ['restoreRoots'];

/** A file that cannot be understood is an error, never a missing limit. */
export async function loadSettings(folder: StateFolder): Promise<AgentSettings> {
  const content = await readFileIfThere(folder.settingsFile);
  if (content === undefined) return {};
  let parsed: unknown;
  try {
    parsed = JSON.parse(content.toString('utf8'));
  } catch (error) {
    throw broken(folder, (error as Error).message);
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed))
    throw broken(folder, 'it is not an object');
  const unknown = Object.keys(parsed).find((key) => !KNOWN.includes(key));
  if (unknown !== undefined) throw broken(folder, `"${unknown}" is not a setting`);
  const { restoreRoots } = parsed as { restoreRoots?: unknown };
  if (restoreRoots === undefined) return {};
  if (!Array.isArray(restoreRoots) || !restoreRoots.every((root) => typeof root === 'string' && root.startsWith('/'))) {
    throw broken(folder, '"restoreRoots" must be a list of absolute paths');
  }
  return { restoreRoots: restoreRoots as string[] };
}

function broken(folder: StateFolder, why: string): HoldfastError {
  return new HoldfastError({
    kind: 'Validation',
    code: 'SETTINGS_BROKEN',
    message: `${folder.settingsFile} cannot be used: ${why}.`,
  });
}
