import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ServerDuplexStream } from '@grpc/grpc-js';
import { Metadata, status } from '@grpc/grpc-js';
import { systemClock } from '@holdfast/core/clock';
import { HoldfastError } from '@holdfast/core/errors';
import { uuidFromBytes, uuidToBytes } from '@holdfast/core/ids';
import type { BandwidthLimits } from '@holdfast/core/policy';
import type {
  ConnectRequest,
  ConnectResponse,
  ControlServiceServer,
  Hello,
  JobFinished,
  SourceChecked,
  BandwidthLimits as WireBandwidth,
} from '@holdfast/proto/v1';
import { BackupType, ControlServiceService, NoticeKind } from '@holdfast/proto/v1';
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { createAgentKey } from '../enrollment/agent-key.js';
import type { BackupCommand, BackupOutcome } from '../jobs/job.js';
import { JobHost } from '../jobs/job-host.js';
import type { JobRun } from '../jobs/job-run.js';
import { createLog, silentLog } from '../log.js';
import type { AgentIdentity } from '../state/identity.js';
import { loadIdentity, saveIdentity } from '../state/identity.js';
import type { StateFolder } from '../state/state-folder.js';
import { prepareStateFolder } from '../state/state-folder.js';
import { ControlSession, REVOKED_WAIT_MS } from './control-session.js';
import { ServerAccess } from './server-access.js';
import { TestAuthority } from './testing/certificate-authority.js';
import type { SecureServer } from './testing/secure-server.js';
import { serveSecurely } from './testing/secure-server.js';
import { UnsettledJobs } from './unsettled-jobs.js';

const AGENT_ID = '01901234-5678-7abc-8def-00000000000a';
const JOB_ID = '01901234-5678-7abc-8def-00000000000c';
const POINT_ID = '01901234-5678-7abc-8def-00000000000d';
const host = { hostName: 'h', operatingSystem: 'Linux', architecture: 'x64', agentVersion: '0.0.0' };
const FOLDER = { deviceMajor: 8, deviceMinor: 1, inode: 4_711n };
const eventually = (check: () => void | Promise<void>) => vi.waitFor(check, { timeout: 20_000, interval: 20 });

let authority: TestAuthority;
let folder: StateFolder;
let control: TestControl;
let agents: { stop: () => Promise<void> }[];
/** What the agents were limited to, in this order. */
let bandwidths: BandwidthLimits[];

/** A control service over real mutual TLS that records what it is told and says what the test wants. */
class TestControl {
  hellos: Hello[] = [];
  accepted: bigint[] = [];
  progress = 0;
  heartbeats = 0;
  finished: JobFinished[] = [];
  checked: SourceChecked[] = [];
  renewals = 0;
  settle = true;
  fence = false;
  bootId = Buffer.alloc(32, 1);
  revoked = false;
  bandwidth: WireBandwidth | undefined;
  private call: ServerDuplexStream<ConnectRequest, ConnectResponse> | undefined;
  private server: SecureServer | undefined;

  readonly service: ControlServiceServer = {
    connect: (call) => {
      this.call = call;
      call.on('error', () => undefined);
      call.on('data', ({ message }: ConnectRequest) => {
        if (message?.$case === 'hello') {
          this.hellos.push(message.value);
          if (this.revoked) return void call.emit('error', revoked());
          const fenced = this.fence ? message.value.running : [];
          const own = { serverBootId: this.bootId, serverFolders: [FOLDER] };
          const told = { dataAddress: 'localhost:1', heartbeatIntervalMs: 200, bandwidthLimits: this.bandwidth };
          const welcome = { ...told, fenced, ...own };
          this.send({ $case: 'welcome', value: welcome });
        } else if (message?.$case === 'heartbeat') {
          this.heartbeats += 1;
          this.send({ $case: 'heartbeatAck', value: message.value });
        } else if (message?.$case === 'jobAccepted') this.accepted.push(message.value.job?.epoch ?? 0n);
        else if (message?.$case === 'jobProgress') this.progress += 1;
        else if (message?.$case === 'sourceChecked') this.checked.push(message.value);
        else if (message?.$case === 'jobFinished') {
          this.finished.push(message.value);
          if (this.settle) this.send({ $case: 'jobSettled', value: { job: message.value.job } });
        }
      });
      call.on('end', () => call.end());
    },
    renewCertificate: (call, answer) => {
      this.renewals += 1;
      void authority
        .issueAgent(call.request.certificateRequest, AGENT_ID)
        .then((certificateChain) => answer(null, { certificateChain, caCertificate: authority.pem }));
    },
  };

  async start(port = 0): Promise<string> {
    this.server = await serveSecurely(
      authority,
      await authority.issueServer('control'),
      { clientCertificates: true, port },
      (each) => each.addService(ControlServiceService, this.service),
    );
    return this.server.address;
  }

  async restart(): Promise<void> {
    const port = this.server?.port;
    this.stop();
    await this.start(port);
  }

  stop(): void {
    this.server?.stop();
  }

  send(message: NonNullable<ConnectResponse['message']>): void {
    this.call?.write({ message });
  }

  startBackup(epoch: bigint): void {
    const key = Buffer.alloc(32, 1);
    this.send({
      $case: 'startBackup',
      value: {
        job: { jobId: uuidToBytes(JOB_ID), epoch },
        vaultId: Buffer.alloc(16, 1),
        itemId: Buffer.alloc(16, 2),
        domain: {
          domainId: Buffer.alloc(16, 3),
          kemId: 32,
          publicKey: key,
          idKey: key,
          chunkerKey: key,
          chunkMinBytes: 1,
          chunkNormalBytes: 2,
          chunkMaxBytes: 3,
        },
        type: BackupType.BACKUP_TYPE_INCREMENTAL,
        files: { roots: [Buffer.from('/srv/\xff', 'latin1')], include: [], exclude: [], oneFileSystem: true },
        lastPointId: uuidToBytes(POINT_ID),
        lastFullPointId: Buffer.alloc(0),
        cacheGeneration: 7n,
        expectedBytes: 5_000n,
        expectedEntries: 3n,
      },
    });
  }
}

function revoked(): object {
  const metadata = new Metadata();
  const wire = { code: 'FORBIDDEN', message: 'This agent was revoked.', details: { reason: 'AGENT_REVOKED' } };
  metadata.set('holdfast-error-bin', Buffer.from(JSON.stringify(wire)));
  return { code: status.PERMISSION_DENIED, details: wire.message, metadata };
}

async function identityFor(address: string, days = 30, startedDaysAgo = 0): Promise<AgentIdentity> {
  const key = await createAgentKey();
  const certificateChain = await authority.issueAgent(key.certificateRequest, AGENT_ID, days, startedDaysAgo);
  return {
    agentId: AGENT_ID,
    agentName: 'h',
    controlAddress: address,
    privateKey: key.privateKey,
    certificateChain,
    caCertificate: authority.pem,
  };
}

type Backup = (command: BackupCommand, run: JobRun) => Promise<BackupOutcome>;

const done: BackupOutcome = {
  kind: 'backup',
  pointId: POINT_ID,
  type: 'INCREMENTAL',
  basePointId: undefined,
  typeReason: 'why',
};
const untilStopped: Backup = (_, run) =>
  new Promise((_resolve, reject) =>
    run.signal.addEventListener('abort', () =>
      reject(new HoldfastError({ kind: 'Cancelled', code: 'STOPPED', message: 'stopped' })),
    ),
  );

/** The agent as it runs, with the work itself replaced by `backup`. */
async function startAgent(
  identity: AgentIdentity,
  backup: Backup,
  clock = systemClock,
  log = silentLog,
): Promise<{ session: ControlSession; access: ServerAccess; stop: () => Promise<void> }> {
  const stop = new AbortController();
  await saveIdentity(folder, identity);
  const access = new ServerAccess(folder, identity);
  const session = new ControlSession({
    clock,
    // No waiting in tests: the jitter is as short as it can be.
    random: { bytes: (length) => Buffer.alloc(length) },
    log,
    access,
    bandwidth: { apply: (limits) => bandwidths.push(limits) },
    unsettled: await UnsettledJobs.open(folder.outcomeFolder),
    host,
    instance: Buffer.alloc(16, 1),
    bootIdSha256: Buffer.alloc(32, 1),
    onState: () => undefined,
    checkSource: async ({ roots }) => roots.map((path) => ({ path, kind: 'VANISHED', message: 'gone' })),
  });
  const runners = { backup, restore: () => Promise.reject(new Error('no restore here')) };
  const jobs = new JobHost({ runners, reports: session, timers: systemClock, log: silentLog });
  const running = session.run(jobs, stop.signal);
  const agent = {
    session,
    access,
    stop: async () => {
      stop.abort();
      await running;
      await jobs.stop();
    },
  };
  agents.push(agent);
  return agent;
}

beforeAll(async () => {
  authority = await TestAuthority.create();
});

beforeEach(async () => {
  agents = [];
  bandwidths = [];
  control = new TestControl();
  const path = await mkdtemp(join(tmpdir(), 'holdfast-control-'));
  folder = await prepareStateFolder(path, process.getuid?.() ?? 0);
});

afterEach(async () => {
  for (const agent of agents) await agent.stop();
  control.stop();
  await rm(folder.path, { recursive: true });
});

describe('the control session', () => {
  it('comes back seldom once it is revoked: that is for good', async () => {
    const waits: number[] = [];
    const clock = {
      ...systemClock,
      sleep: (ms: number, signal?: AbortSignal) => {
        waits.push(ms);
        return systemClock.sleep(ms, signal);
      },
    };
    control.revoked = true;
    const lines: string[] = [];
    const log = createLog('error', { write: (line) => void lines.push(line) });
    await startAgent(await identityFor(await control.start()), untilStopped, clock, log);
    await eventually(() => expect(waits).toEqual([REVOKED_WAIT_MS]));
    expect(control.hellos).toHaveLength(1);
    expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual([
      {
        level: 'error',
        time: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:]+\.\d{3}Z$/) as string,
        process: 'agent',
        kind: 'Forbidden',
        code: 'AGENT_REVOKED',
        reason: expect.stringContaining(`remove ${folder.path}, and enrol the host anew`) as string,
        waitMs: REVOKED_WAIT_MS,
        msg: 'the server does not let this agent in any more',
      },
    ]);
  });

  it('answers what a datasource looks like, and leaves a question that makes no sense', async () => {
    const identity = await identityFor(await control.start());
    await startAgent(identity, untilStopped);
    await eventually(() => expect(control.heartbeats).toBeGreaterThan(0));
    const root = Buffer.from('/srv/\xff', 'latin1');
    const checkId = Buffer.alloc(16, 9);
    control.send({ $case: 'checkSource', value: { checkId: Buffer.alloc(16, 8), files: undefined } });
    const files = { roots: [root], include: [], exclude: [], oneFileSystem: false };
    control.send({ $case: 'checkSource', value: { checkId, files } });
    await eventually(() => expect(control.checked).toHaveLength(1));
    expect(control.checked).toEqual([
      { checkId, check: { troubles: [{ path: root, kind: NoticeKind.NOTICE_KIND_VANISHED, message: 'gone' }] } },
    ]);
  });

  it("leaves the server's own folders out only under the server's kernel", async () => {
    const identity = await identityFor(await control.start());
    const { access } = await startAgent(identity, untilStopped);
    await eventually(() => expect(access.serverFolders).toEqual([FOLDER]));
    control.bootId = Buffer.alloc(32, 2);
    await control.restart();
    await eventually(() => expect(access.serverFolders).toEqual([]));
  });

  it('follows the limits of the welcome and those after it, and keeps to them when it understands none', async () => {
    const limit = { uploadBytesPerSecond: 1_000_000n, downloadBytesPerSecond: 0n };
    const window = { ...limit, weekdays: [1, 7], fromMinute: 1_350, toMinute: 0, timeZone: 'Asia/Kathmandu' };
    control.bandwidth = { ...limit, windows: [window] };
    await startAgent(await identityFor(await control.start()), untilStopped);
    await eventually(() => expect(bandwidths).toHaveLength(1));
    control.send({ $case: 'bandwidthLimits', value: { ...limit, windows: [{ ...window, timeZone: 'Nowhere' }] } });
    control.send({ $case: 'bandwidthLimits', value: { ...limit, uploadBytesPerSecond: 0n, windows: [] } });
    await eventually(() => expect(bandwidths).toHaveLength(2));
    expect(bandwidths).toEqual([
      {
        uploadBytesPerSecond: 1_000_000,
        windows: [
          {
            weekdays: [1, 7],
            from: { hour: 22, minute: 30 },
            to: { hour: 0, minute: 0 },
            timeZone: 'Asia/Kathmandu',
            uploadBytesPerSecond: 1_000_000,
          },
        ],
      },
      { windows: [] },
    ]);
  });

  it('carries out a command under its lease and reports until it is settled', async () => {
    let seen: BackupCommand | undefined;
    const identity = await identityFor(await control.start());
    await startAgent(identity, (command) => {
      seen = command;
      return Promise.resolve(done);
    });
    await eventually(() => expect(control.heartbeats).toBeGreaterThan(1));
    expect(control.hellos[0]).toMatchObject({ capabilities: ['workload.files', 'restore.files'], running: [], host });
    control.startBackup(4n);
    await eventually(() => expect(control.finished).toHaveLength(1));
    expect(control.accepted).toEqual([4n]);
    expect(seen).toMatchObject({
      type: 'INCREMENTAL',
      job: { jobId: JOB_ID, epoch: 4n },
      lastPointId: POINT_ID,
      lastFullPointId: undefined,
      cacheGeneration: 7n,
    });
    expect(seen).toMatchObject({ expectedBytes: 5_000, expectedEntries: 3 });
    expect(seen?.files.roots[0]?.toString('latin1')).toBe('/srv/\xff');
    const [{ outcome } = {}] = control.finished;
    expect(outcome?.$case === 'backup' && [uuidFromBytes(outcome.value.pointId), outcome.value.typeReason]).toEqual([
      POINT_ID,
      'why',
    ]);
    await eventually(async () => expect((await UnsettledJobs.open(folder.outcomeFolder)).all()).toEqual([]));
  });

  it('repeats a result that was not settled, also after a restart of the agent', async () => {
    control.settle = false;
    const identity = await identityFor(await control.start());
    const first = await startAgent(identity, () =>
      Promise.reject(new HoldfastError({ kind: 'Integrity', code: 'WHY', message: 'words' })),
    );
    await eventually(() => expect(control.hellos).toHaveLength(1));
    control.startBackup(1n);
    await eventually(() => expect(control.finished).toHaveLength(1));
    await control.restart();
    await eventually(() => expect(control.finished).toHaveLength(2));
    await first.stop();
    control.settle = true;
    let ran = false;
    await startAgent(identity, () => {
      ran = true;
      return Promise.resolve(done);
    });
    await eventually(() => expect(control.finished).toHaveLength(3));
    expect(control.hellos.at(-1)?.running.map(({ epoch }) => epoch)).toEqual([1n]);
    expect(control.finished.map(({ outcome }) => outcome?.$case === 'failure' && outcome.value)).toEqual(
      Array(3).fill({ code: 'DATA_CORRUPTED', message: 'words', details: { reason: 'WHY' } }),
    );
    expect(ran).toBe(false);
  });

  it('goes on with its jobs over a lost connection and names them', async () => {
    const identity = await identityFor(await control.start());
    let finish: () => void = () => undefined;
    await startAgent(identity, () => new Promise((resolve) => (finish = () => resolve(done))));
    await eventually(() => expect(control.hellos).toHaveLength(1));
    control.startBackup(1n);
    await eventually(() => expect(control.progress).toBeGreaterThan(0));
    await control.restart();
    await eventually(() => expect(control.hellos).toHaveLength(2));
    expect(control.hellos[1]?.running.map(({ epoch }) => epoch)).toEqual([1n]);
    finish();
    await eventually(() => expect(control.finished).toHaveLength(1));
  });

  it('stops a fenced job without a report, and a cancelled one with one', async () => {
    const identity = await identityFor(await control.start());
    const agent = await startAgent(identity, untilStopped);
    await eventually(() => expect(control.hellos).toHaveLength(1));
    control.startBackup(1n);
    await eventually(() => expect(control.accepted).toEqual([1n]));
    control.fence = true;
    await control.restart();
    await eventually(() => expect(control.hellos).toHaveLength(2));
    // The job comes back under the next lease, and the older one is gone.
    control.fence = false;
    control.startBackup(2n);
    await eventually(() => expect(control.accepted).toEqual([1n, 2n]));
    control.send({ $case: 'cancelJob', value: { job: { jobId: uuidToBytes(JOB_ID), epoch: 1n } } });
    control.send({ $case: 'cancelJob', value: { job: { jobId: uuidToBytes(JOB_ID), epoch: 2n } } });
    await eventually(() => expect(control.finished).toHaveLength(1));
    expect(control.finished[0]).toMatchObject({ job: { epoch: 2n }, outcome: { $case: 'cancelled' } });
    await agent.stop();
  });

  it('leaves running jobs to the next lease when the agent stops', async () => {
    const identity = await identityFor(await control.start());
    const agent = await startAgent(identity, untilStopped);
    await eventually(() => expect(control.hellos).toHaveLength(1));
    control.startBackup(1n);
    await eventually(() => expect(control.accepted).toEqual([1n]));
    await agent.stop();
    expect(control.finished).toEqual([]);
    expect((await UnsettledJobs.open(folder.outcomeFolder)).all()).toEqual([]);
  });

  it('renews a certificate from two thirds of its life on, and comes back with the new one', async () => {
    const identity = await identityFor(await control.start(), 30, 21);
    // A clock on which the minute between two looks passes at once.
    const hasty = {
      ...systemClock,
      after: (ms: number, run: () => void) => systemClock.after(ms === 60_000 ? 50 : ms, run),
    };
    await startAgent(identity, untilStopped, hasty);
    await eventually(() => expect(control.hellos.length).toBeGreaterThan(1));
    const renewed = await loadIdentity(folder);
    expect(control.renewals).toBe(1);
    expect(renewed?.privateKey).not.toBe(identity.privateKey);
    expect(renewed?.certificateChain).not.toBe(identity.certificateChain);
  });
});
