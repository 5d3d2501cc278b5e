import { homedir } from 'node:os';
import { join } from 'node:path';

export interface Config {
  readonly defaultState: string;
  readonly logLevel: string;
  readonly uid: number;
}

const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'];

/** The one place where the agent reads its environment. */
export function readConfig(): Config {
  const uid = process.getuid?.() ?? 0;
  const level = process.env['HOLDFAST_LOG_LEVEL'] ?? '';
  return { defaultState: defaultState(uid), logLevel: LOG_LEVELS.includes(level) ? level : 'info', uid };
}

function defaultState(uid: number): string {
  const named = process.env['HOLDFAST_AGENT_STATE'];
  if (named) return named;
  if (uid === 0) return '/var/lib/holdfast-agent';
  const base = process.env['XDG_STATE_HOME'];
  return join(base?.startsWith('/') ? base : join(homedir(), '.local', 'state'), 'holdfast-agent');
}
