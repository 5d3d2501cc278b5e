import { join } from 'node:path';

/** The one place where the agent reads its environment. */
export function defaultStateDirectory(environment: NodeJS.ProcessEnv, uid: number, home: string): string {
  const named = environment['HOLDFAST_AGENT_STATE'];
  if (named !== undefined && named !== '') return named;
  if (uid === 0) return '/var/lib/holdfast-agent';
  const base = environment['XDG_STATE_HOME'];
  return join(base !== undefined && base.startsWith('/') ? base : join(home, '.local', 'state'), 'holdfast-agent');
}

export function logLevel(environment: NodeJS.ProcessEnv): string {
  const level = environment['HOLDFAST_LOG_LEVEL'] ?? 'info';
  return ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'].includes(level) ? level : 'info';
}
