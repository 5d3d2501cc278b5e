import { loadIdentity } from '../state/identity.js';
import { readRunStatus } from '../state/run-status.js';
import { stateFolderAt } from '../state/state-folder.js';
import { isStateLocked } from '../state/state-lock.js';
import type { Terminal } from './program.js';

/** 0 when the agent is enrolled, a process serves it, and that is connected; 1 otherwise. */
export async function statusCommand(options: { state: string; json?: boolean }, terminal: Terminal): Promise<number> {
  const folder = stateFolderAt(options.state);
  const identity = await loadIdentity(folder);
  const running = identity !== undefined && isStateLocked(folder);
  const seen = identity === undefined ? undefined : await readRunStatus(folder);
  const status = {
    state: folder.path,
    enrolled: identity !== undefined,
    agentId: identity?.agentId ?? null,
    agentName: identity?.agentName ?? null,
    server: identity?.controlAddress ?? null,
    running,
    connected: running && (seen?.connected ?? false),
    lastError: seen?.lastError ?? null,
    jobs: running ? (seen?.jobs ?? []) : [],
  };
  if (options.json === true) terminal.out(JSON.stringify(status));
  else for (const line of describe(status)) terminal.out(line);
  return status.enrolled && status.running && status.connected ? 0 : 1;
}

function describe(status: {
  state: string;
  enrolled: boolean;
  agentId: string | null;
  agentName: string | null;
  server: string | null;
  running: boolean;
  connected: boolean;
  lastError: string | null;
  jobs: readonly string[];
}): string[] {
  if (!status.enrolled) return [`Not enrolled (${status.state}).`];
  const lines = [`Agent "${status.agentName}" (${status.agentId}) of ${status.server}`];
  if (!status.running) {
    const last = status.lastError === null ? '' : ` When it ran last, it was not connected: ${status.lastError}`;
    return [...lines, `Not running.${last}`];
  }
  lines.push(
    status.connected
      ? 'Running, connected.'
      : `Running, not connected${status.lastError === null ? '.' : `: ${status.lastError}`}`,
  );
  lines.push(status.jobs.length === 0 ? 'No jobs.' : `Jobs: ${status.jobs.join(', ')}`);
  return lines;
}
