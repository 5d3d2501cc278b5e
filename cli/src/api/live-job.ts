/** Follows jobs over a WebSocket, and by asking where none can be had. */
import { HoldfastError, isHoldfastError } from '@holdfast/core/errors';
import { createClient } from 'graphql-ws';
import { WebSocket } from 'ws';
import { graphql } from '../gql/gql.js';
import type { JobFieldsFragment } from '../gql/graphql.js';
import type { ApiClient } from './client.js';

export type LiveJob = JobFieldsFragment;

graphql(`
  fragment JobFields on Job {
    id kind state attempt waitingFor createdAt startedAt finishedAt requestedBackupType backupType backupTypeReason
    agent { name } vault { id name } protectedItem { id name } recoveryPoint { id } noticesTotal notices { path kind message }
    error { code message } previousAttemptError { message }
    progress {
      phase entries files bytesTotal bytesRead bytesChanged bytesSent bytesStored bytesWritten entriesSkipped expectedBytes fraction rate etaSeconds
    }
  }
`);

const Job = graphql(`
  query Job($id: ID!) { job(id: $id) { ...JobFields } }
`);

const JobUpdated = graphql(`
  subscription JobUpdated($id: ID!) { jobUpdated(id: $id) { ...JobFields } }
`);

const JobsUpdated = graphql(`
  subscription JobsUpdated($subscriptionId: ID!) { jobsUpdated(subscriptionId: $subscriptionId) { ...JobFields } }
`);

const ENDED: ReadonlySet<string> = new Set(['COMPLETED', 'COMPLETED_WITH_WARNINGS', 'FAILED', 'CANCELLED']);
const POLL_MS = 2_000;
const RETRY_MS = 1_000;
/** A job outlives a restart of the server, so whoever watches it should, too. */
const PATIENCE_MS = 5 * 60_000;
const PASSING: ReadonlySet<string> = new Set(['Unavailable', 'Timeout', 'RateLimited']);

export function hasEnded(job: Pick<LiveJob, 'state'>): boolean {
  return ENDED.has(job.state);
}

export async function readJob(api: ApiClient, id: string): Promise<LiveJob> {
  const { job } = await api.ask(Job, { id });
  if (job === null || job === undefined)
    throw new HoldfastError({
      kind: 'NotFound',
      code: 'NO_SUCH_JOB',
      message: `there is no job ${id}: "holdfast jobs list" shows them`,
    });
  return job;
}

function liveClient(api: ApiClient): ReturnType<typeof createClient> {
  const { server, token, ca } = api.endpoint;
  return createClient({
    url: `${server.replace(/^http/, 'ws')}/graphql`,
    connectionParams: { authorization: `Bearer ${token ?? ''}` },
    webSocketImpl: class extends WebSocket {
      constructor(address: string, protocols: string) {
        super(address, protocols, ca === undefined ? {} : { ca });
      }
    },
    retryAttempts: Number.POSITIVE_INFINITY,
    // Whoever is done waits for the next try to end.
    retryWait: () => new Promise((resolve) => setTimeout(resolve, RETRY_MS)),
    shouldRetry: () => true,
  });
}

/** Calls `onUpdate` at each change until the job has ended, then answers its last state. Throws the signal's reason once it is aborted. */
export async function followJob(
  api: ApiClient,
  id: string,
  onUpdate: (job: LiveJob) => void,
  signal: AbortSignal,
): Promise<LiveJob> {
  const client = liveClient(api);
  let last = await readJob(api, id);
  let silentSince: number | undefined;
  let wake = (): void => undefined;
  const stop = client.subscribe<{ jobUpdated: LiveJob }>(
    { query: JobUpdated.toString(), variables: { id } },
    {
      next: ({ data }) => {
        if (data?.jobUpdated === undefined) return;
        last = data.jobUpdated;
        onUpdate(last);
        if (hasEnded(last)) wake();
      },
      // Asking goes on below, and reports what the server says.
      error: () => undefined,
      complete: () => undefined,
    },
  );
  try {
    onUpdate(last);
    while (!hasEnded(last)) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, POLL_MS);
        wake = () => {
          clearTimeout(timer);
          resolve();
        };
        signal.addEventListener('abort', () => wake(), { once: true });
      });
      signal.throwIfAborted();
      if (!hasEnded(last)) {
        try {
          last = await readJob(api, id);
          silentSince = undefined;
          onUpdate(last);
        } catch (error) {
          if (!isHoldfastError(error) || !PASSING.has(error.kind)) throw error;
          silentSince ??= performance.now();
          if (performance.now() - silentSince > PATIENCE_MS) throw error;
          onUpdate({ ...last, waitingFor: 'The server does not answer; asking again.' });
        }
      }
    }
    return last;
  } finally {
    stop();
    await letGo(client);
  }
}

/** Calls `onUpdate` for every job of the subscription until `signal` is aborted. */
export async function followJobs(
  api: ApiClient,
  subscriptionId: string,
  onUpdate: (job: LiveJob) => void,
  signal: AbortSignal,
): Promise<void> {
  const client = liveClient(api);
  try {
    await new Promise<void>((resolve, reject) => {
      client.subscribe<{ jobsUpdated: LiveJob }>(
        { query: JobsUpdated.toString(), variables: { subscriptionId } },
        {
          next: ({ data }) => {
            if (data?.jobsUpdated !== undefined) onUpdate(data.jobsUpdated);
          },
          error: (error) =>
            reject(new HoldfastError({ kind: 'Unavailable', code: 'LIVE_UPDATES_ENDED', message: describe(error) })),
          complete: resolve,
        },
      );
      signal.addEventListener('abort', () => resolve(), { once: true });
    });
  } finally {
    await letGo(client);
  }
}

/** A connection that was just being made fails the disposal with a bare event; there is nothing left to end then. */
async function letGo(client: ReturnType<typeof createClient>): Promise<void> {
  try {
    await client.dispose();
  } catch {
    // What matters has been said by then.
  }
}

function describe(error: unknown): string {
  if (error instanceof Error) return error.message;
  if (Array.isArray(error)) return error.map((entry: { message?: string }) => entry.message ?? '').join('; ');
  return 'the connection for live updates ended';
}
