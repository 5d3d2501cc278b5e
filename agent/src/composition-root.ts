import { availableParallelism } from 'node:os';
import { systemClock } from '@holdfast/core/clock';
import { systemRandom } from '@holdfast/core/ids';
import { collectSeldom } from '@holdfast/core/memory';
import type { HostFacts } from './enrollment/ports.js';
import { threadedLanes } from './jobs/backup/lanes/threaded-lane.js';
import { runBackup } from './jobs/backup/run-backup.js';
import { checkSource } from './jobs/check-source.js';
import type { FilesSource } from './jobs/job.js';
import { JobHost } from './jobs/job-host.js';
import { restoreInThread } from './jobs/restore/thread/threaded-restore.js';
import type { AgentLog } from './log.js';
import { errorFacts } from './log.js';
import { freeMemory } from './platform/free-memory.js';
import { nice } from './platform/thread-priority.js';
import { Bandwidth } from './session/bandwidth.js';
import type { ConnectionState } from './session/control-session.js';
import { ControlSession } from './session/control-session.js';
import { GrpcDataTransport } from './session/data-transport.js';
import { ServerAccess } from './session/server-access.js';
import { UnsettledJobs } from './session/unsettled-jobs.js';
import { loadSettings } from './state/agent-settings.js';
import type { AgentIdentity } from './state/identity.js';
import { writeRunStatus } from './state/run-status.js';
import type { StateFolder } from './state/state-folder.js';
import { type KnownTree, walkFiles } from './workloads/files/walk.js';

export interface AgentSetup {
  readonly folder: StateFolder;
  readonly identity: AgentIdentity;
  readonly log: AgentLog;
  readonly host: HostFacts;
  /** See ControlSession. */
  readonly instance: Buffer;
  readonly bootIdSha256: Buffer | undefined;
  /** Every frame is opened before it is sent, not one of each pack. */
  readonly paranoid: boolean;
  /** Fires when the agent shall stop. */
  readonly signal: AbortSignal;
}

const NICENESS = 10;
/** Of one backup; more would be faster than a gateway takes what they send. */
const MOST_LANES = 4;
const STATUS_MS = 2_000;
const FREEING_MS = 2_000;

/** Serves the server until the signal fires; then stops the jobs without a report, so that they are given out again. */
export async function runAgent({
  folder,
  identity,
  log,
  host,
  instance,
  bootIdSha256,
  paranoid,
  signal,
}: AgentSetup): Promise<void> {
  collectSeldom();
  // Found now rather than in the middle of a restore.
  await loadSettings(folder);
  lowerPriority(log);
  const access = new ServerAccess(folder, identity);
  const unsettled = await UnsettledJobs.open(folder.outcomeFolder);
  const bandwidth = new Bandwidth(systemClock);
  const ports = { clock: systemClock, random: systemRandom, access, bandwidth, log };
  const transport = new GrpcDataTransport(ports);
  let connection: ConnectionState = { connected: false, lastError: undefined };
  const whatToLookAt = () => ({
    never: [Buffer.from(folder.path)],
    neverFolders: access.serverFolders,
    now: () => systemClock.now(),
  });
  const workload = {
    walk: (source: FilesSource, signal: AbortSignal, known?: KnownTree) =>
      walkFiles(source, { ...whatToLookAt(), signal, known }),
    check: (source: FilesSource) => checkSource(source, whatToLookAt()),
  };
  const session = new ControlSession({
    ...ports,
    unsettled,
    checkSource: workload.check,
    host,
    instance,
    bootIdSha256,
    onState: (state) => {
      connection = state;
    },
  });
  let cancelFreeing = (): void => undefined;
  // Once the threads of the job have ended too.
  const afterwards = <T>(work: Promise<T>): Promise<T> =>
    work.finally(() => {
      cancelFreeing();
      cancelFreeing = systemClock.after(FREEING_MS, () => {
        if (jobs.running().length === 0) freeMemory();
      });
    });
  const lanes = { start: threadedLanes({ log }), most: Math.min(availableParallelism(), MOST_LANES) };
  const jobs = new JobHost({
    runners: {
      backup: (command, run) =>
        afterwards(
          runBackup(command, run, {
            ...ports,
            transport,
            workload,
            lanes,
            agentId: identity.agentId,
            cacheFolder: folder.cacheFolder,
            paranoid,
          }),
        ),
      restore: (command, run) =>
        afterwards(
          restoreInThread(command, run, {
            transport,
            restoreRoots: async () => (await loadSettings(folder)).restoreRoots,
            ownFolders: () => ({ paths: [Buffer.from(folder.path)], folders: access.serverFolders }),
            journalFolder: folder.restoreFolder,
            log,
          }),
        ),
    },
    reports: session,
    timers: systemClock,
    log,
  });
  const stopStatus = keepStatus(folder, () => ({
    connected: connection.connected,
    lastError: connection.lastError ?? null,
    jobs: jobs.running().map(({ jobId }) => jobId),
  }));
  log.info({ agent: identity.agentId, state: folder.path }, 'agent started');
  await session.run(jobs, signal);
  await jobs.stop();
  cancelFreeing();
  bandwidth.stop();
  await stopStatus();
  log.info({}, 'agent stopped');
}

function lowerPriority(log: AgentLog): void {
  try {
    nice(NICENESS);
  } catch (error) {
    log.warn(errorFacts(error), 'the priority could not be lowered');
  }
}

function keepStatus(folder: StateFolder, read: () => Parameters<typeof writeRunStatus>[1]): () => Promise<void> {
  let cancel = (): void => undefined;
  let writing = Promise.resolve();
  const tick = (): void => {
    writing = writeRunStatus(folder, read()).catch(() => undefined);
    cancel = systemClock.after(STATUS_MS, tick);
  };
  tick();
  return async () => {
    cancel();
    await writing;
    // For whoever asks what became of it.
    await writeRunStatus(folder, { ...read(), connected: false }).catch(() => undefined);
  };
}
