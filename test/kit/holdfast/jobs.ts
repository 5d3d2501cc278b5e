import type { Api, Data } from './api.js';

const JOB_FIELDS = `id kind state waitingFor backupType backupTypeReason recoveryPoint { id } noticesTotal notices { path kind message }
  error { code message } previousAttemptError { code message }
  progress { phase entries files bytesTotal bytesRead bytesChanged bytesSent bytesStored bytesWritten entriesSkipped expectedBytes fraction rate etaSeconds }`;

const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 400;
const ENDED = new Set(['COMPLETED', 'COMPLETED_WITH_WARNINGS', 'FAILED', 'CANCELLED']);

export async function readJob(api: Api, id: string): Promise<Data> {
  const { job } = await api.ask(`query Job($id: ID!) { job(id: $id) { ${JOB_FIELDS} } }`, { id });
  return job;
}

async function readState(api: Api, id: string): Promise<Data> {
  const { job } = await api.ask('query State($id: ID!) { job(id: $id) { state } }', { id });
  return job;
}

/**
 * Polls until the job has ended: every `pauseMs`, or ever more seldom. Throws when `timeoutMs` pass without that. Only the state is read while
 * nobody wants more, for the server that is asked is the one that is at work.
 */
export async function waitForJob(
  api: Api,
  id: string,
  options: { timeoutMs?: number; pauseMs?: number; onProgress?: (job: Data) => void } = {},
): Promise<Data> {
  const { pauseMs, onProgress } = options;
  const look = onProgress === undefined ? readState : readJob;
  const deadline = performance.now() + (options.timeoutMs ?? 24 * 3600 * 1000);
  for (let pause = pauseMs ?? FIRST_PAUSE_MS; ; pause = pauseMs ?? Math.min(pause * 1.5, LONGEST_PAUSE_MS)) {
    const job = await look(api, id);
    if (ENDED.has(job.state)) return onProgress === undefined ? await readJob(api, id) : job;
    onProgress?.(job);
    if (performance.now() > deadline) {
      const { state, waitingFor, progress } = await readJob(api, id);
      throw new Error(`job ${id} is still ${state} (${waitingFor ?? progress.phase})`);
    }
    await new Promise((resolve) => setTimeout(resolve, pause));
  }
}

/** With the same `clientMutationId` it is the same job, however often it is asked for. */
export async function backUp(
  api: Api,
  protectedItemId: string,
  type: 'FULL' | 'DIFFERENTIAL' | 'INCREMENTAL',
  clientMutationId?: string,
): Promise<string> {
  const { job } = await api.mutate('backupNow', { protectedItemId, type, clientMutationId }, 'job { id }');
  return job.id;
}

export interface RestoreRequest {
  readonly recoveryPointId: string;
  readonly agentId?: string;
  readonly path: string;
  readonly base?: string;
  readonly select?: readonly string[];
  readonly onConflict?: 'FAIL' | 'SKIP' | 'OVERWRITE' | 'KEEP_BOTH';
}

export async function restoreTo(
  api: Api,
  { recoveryPointId, agentId, path, base, select, onConflict }: RestoreRequest,
): Promise<string> {
  const input = { recoveryPointId, mode: 'ALTERNATE_LOCATION', target: { agentId, path, base }, select, onConflict };
  const { job } = await api.mutate('triggerRestore', input, 'job { id }');
  return job.id;
}
