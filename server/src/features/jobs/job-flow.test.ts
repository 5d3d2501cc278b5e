import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { HoldfastError } from '@holdfast/core/errors';
import { uuidToBytes } from '@holdfast/core/ids';
import type { AuthorizeSessionResponse } from '@holdfast/proto/v1';
import { BackupType, NoticeKind, SessionKind } from '@holdfast/proto/v1';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { TestDatabase } from '../../platform/db/testing.js';
import { describeOnEachDatabase, openTestDatabase } from '../../platform/db/testing.js';
import type { Control } from '../agents/grpc/testing/control-fixture.js';
import { answer, SUBSCRIPTION, startControl, wireRef } from '../agents/grpc/testing/control-fixture.js';
import { ID_KEY } from '../agents/grpc/testing/recording-handler.js';
import type { TestAgent, TestStream } from '../agents/grpc/testing/test-agent.js';
import { revokeAgent } from '../agents/use-cases/revoke-agent.js';
import type { Job, JobRef } from './domain/job.js';
import { fromWireRef } from './grpc/job-messages.js';
import { cancelJob } from './use-cases/cancel-job.js';
import type { NewJob } from './use-cases/enqueue-job.js';
import { enqueueJob } from './use-cases/enqueue-job.js';
import { explainWaits } from './use-cases/explain-wait.js';
import { listJobNotices, requireJob } from './use-cases/get-job.js';
import { watchJob } from './use-cases/watch-jobs.js';

const VAULT = '01901234-5678-7abc-8def-00000000b001';
const POINT = '01901234-5678-7abc-8def-00000000b002';
const backedUp = {
  $case: 'backup',
  value: {
    pointId: uuidToBytes(POINT),
    type: BackupType.BACKUP_TYPE_FULL,
    basePointId: Buffer.alloc(0),
    typeReason: 'There was no base.',
  },
} as const;
const failed = (code: string) => ({ $case: 'failure', value: { code, message: 'Words.', details: {} } }) as const;

describeOnEachDatabase('a job', (open) => {
  let db: TestDatabase;
  let control: Control;
  let agent: TestAgent;
  let names = 0;
  beforeAll(async () => {
    db = await open();
    control = await startControl(db);
  });
  afterAll(() => control.stop());
  afterEach(() => {
    agent.close();
    control.handlers.BACKUP.commandFailure = undefined;
    control.handlers.BACKUP.finishFailure = undefined;
  });

  const enqueue = (overrides: Partial<NewJob> = {}): Promise<Job> =>
    control.system.unitOfWork.run((stores, transaction) =>
      enqueueJob(control.system, stores, transaction, {
        kind: 'BACKUP',
        subscriptionId: SUBSCRIPTION,
        vaultId: VAULT,
        protectedItemId: control.system.newId(),
        agentId: agent.id,
        payload: { n: 1 },
        requestedBackupType: 'INCREMENTAL',
        ...overrides,
      }),
    );
  const job = (id: string): Promise<Job> => requireJob(control.system, id);
  const reaches = async (id: string, state: Job['state']): Promise<Job> => {
    await expect.poll(async () => (await job(id)).state).toBe(state);
    return job(id);
  };
  const started = async (stream: TestStream): Promise<JobRef> => fromWireRef((await stream.next('startBackup')).job);
  const newAgent = async (): Promise<TestAgent> => (agent = await control.newAgent(`agent ${++names}`));
  const waits = async (id: string): Promise<string | undefined> =>
    (await explainWaits(control.system, [await job(id)]))[0];

  it('goes from the queue to its agent and back as a result', async () => {
    const stream = await (await newAgent()).connect();
    const { id } = await enqueue();
    const command = await stream.next('startBackup');
    const ref = fromWireRef(command.job);
    expect(ref).toEqual({ jobId: id, epoch: 1 });
    expect(command).toMatchObject({
      type: BackupType.BACKUP_TYPE_INCREMENTAL,
      cacheGeneration: 3n,
      lastFullPointId: Buffer.alloc(0),
      files: { roots: [Buffer.from([0x2f, 0xff])], oneFileSystem: true },
      domain: { idKey: ID_KEY },
    });
    expect((await job(id)).state).toBe('DISPATCHED');
    stream.accept(ref);
    await reaches(id, 'RUNNING');
    const notices = [{ path: Buffer.from([0x2f, 0xfe]), kind: NoticeKind.NOTICE_KIND_UNREADABLE, message: 'EACCES' }];
    stream.finish(ref, backedUp, { notices, noticesTotal: 1n });
    expect(fromWireRef((await stream.next('jobSettled')).job)).toEqual(ref);
    expect(await job(id)).toMatchObject({
      state: 'COMPLETED_WITH_WARNINGS',
      recoveryPointId: POINT,
      backupType: 'FULL',
      backupTypeReason: 'There was no base.',
      noticesTotal: 1,
      counters: { bytesRead: 5n },
    });
    expect(await listJobNotices(control.system, id)).toEqual([
      { path: Buffer.from([0x2f, 0xfe]), kind: 'UNREADABLE', message: 'EACCES' },
    ]);
    expect(control.handlers.BACKUP.finished.at(-1)?.job.id).toBe(id);
    await expect.poll(() => control.gatewayCalls.ended).toContainEqual(ref);
  });

  it('keeps no key in the database', async () => {
    const stream = await (await newAgent()).connect();
    await enqueue();
    await started(stream);
    const tables = ['job', 'outbox_message', 'audit_event'];
    const rows = await Promise.all(tables.map((table) => db.orm.em.fork().execute<object[]>(`select * from ${table}`)));
    expect(JSON.stringify(rows)).not.toContain(ID_KEY.toString('base64'));
    expect(JSON.stringify(rows)).not.toContain(ID_KEY.toString('hex'));
  });

  it('waits for its agent, then for the item, restores before backups, and says so', async () => {
    await newAgent();
    const item = control.system.newId();
    const first = await enqueue({ protectedItemId: item });
    const second = await enqueue({ protectedItemId: item });
    const restore = await enqueue({ kind: 'RESTORE', protectedItemId: control.system.newId() });
    expect(await waits(first.id)).toBe('The agent is not connected.');
    const claimed = control.system.services.jobs.events.watch(({ id }) =>
      [restore.id, first.id, second.id].includes(id),
    );
    const order = [claimed.next(), claimed.next()];
    const stream = await agent.connect();
    expect((await Promise.all(order)).map(({ value }) => String(value))).toEqual([restore.id, first.id]);
    await claimed.return();
    // Each command travels by itself, so the one of the backup may be there first.
    await expect.poll(() => stream.left.toSorted()).toEqual(['startBackup', 'startRestore']);
    const ref = await started(stream);
    expect(ref.jobId).toBe(first.id);
    await expect.poll(() => waits(second.id)).toBe('Another backup of the same item is under way.');
    stream.finish(ref, backedUp);
    expect((await started(stream)).jobId).toBe(second.id);
  });

  it('shows its progress live, with rate and what is left, to who may see it', async () => {
    const stream = await (await newAgent()).connect();
    const { id } = await enqueue();
    const ref = await started(stream);
    stream.accept(ref);
    await reaches(id, 'RUNNING');
    const seen = await watchJob(control.system, { jobId: id });
    expect((await seen.next()).value).toBe(id);
    const counters = {
      entries: 0n,
      files: 0n,
      bytesTotal: 0n,
      bytesRead: 0n,
      bytesChanged: 0n,
      bytesSent: 0n,
      bytesStored: 0n,
      bytesWritten: 0n,
      warnings: 0n,
      entriesSkipped: 0n,
    };
    const report = (bytes: bigint) =>
      stream.send({
        $case: 'jobProgress',
        value: {
          job: wireRef(ref),
          phase: 2,
          counters: { ...counters, bytesTotal: bytes, bytesRead: bytes },
          expectedBytes: 10_000n,
          expectedEntries: 0n,
          waitingFor: '',
        },
      });
    report(0n);
    await seen.next();
    await db.clock.advance(1_000);
    report(2_500n);
    await seen.next();
    expect(control.system.services.jobs.progress.of(id)).toMatchObject({
      phase: 'TRANSFERRING',
      rate: 2_500n,
      etaSeconds: 3,
    });
    stream.finish(ref, backedUp);
    do await seen.next();
    while ((await job(id)).state !== 'COMPLETED');
    await seen.return();
    expect(control.system.services.jobs.progress.of(id)).toBeUndefined();
    const stranger = control.contextFor({ kind: 'user', userId: POINT, name: 'stranger' });
    await expect(watchJob(stranger, { jobId: id })).rejects.toMatchObject({ kind: 'NotFound' });
  });

  it('is settled again when its end is reported again, and nothing changes', async () => {
    const stream = await (await newAgent()).connect();
    const { id } = await enqueue();
    const ref = await started(stream);
    stream.finish(ref, backedUp);
    await stream.next('jobSettled');
    const before = await job(id);
    stream.finish(ref, failed('FORBIDDEN'));
    await stream.next('jobSettled');
    expect(await job(id)).toEqual(before);
  });

  it('keeps its lease while the agent is heard, and goes on under its epoch after a reconnect', async () => {
    const stream = await (await newAgent()).connect();
    const { id } = await enqueue();
    const ref = await started(stream);
    stream.accept(ref);
    await reaches(id, 'RUNNING');
    for (let n = 0n; n < 4n; n += 1n) {
      await db.clock.advance(20_000);
      stream.send({ $case: 'heartbeat', value: { sequence: n } });
      await stream.next('heartbeatAck');
      await expect.poll(async () => (await job(id)).leaseUntil).toBe(db.clock.now() + 30_000);
    }
    await db.clock.advance(20_000);
    stream.send({
      $case: 'jobProgress',
      value: {
        job: wireRef(ref),
        phase: 2,
        counters: undefined,
        expectedBytes: 0n,
        expectedEntries: 0n,
        waitingFor: '',
      },
    });
    await expect.poll(async () => (await job(id)).leaseUntil).toBe(db.clock.now() + 30_000);
    stream.close();
    await db.clock.advance(10_000);
    const again = await agent.connect([ref]);
    expect(again.fenced).toEqual([]);
    expect(await job(id)).toMatchObject({ state: 'RUNNING', epoch: 1, attempt: 1 });
    again.finish(ref, backedUp);
    await again.next('jobSettled');
    await reaches(id, 'COMPLETED');
  });

  it('comes again under a new epoch when its lease ends, and the old epoch can do nothing', async () => {
    const stream = await (await newAgent()).connect();
    const { id } = await enqueue();
    const lost = await started(stream);
    stream.accept(lost);
    await reaches(id, 'RUNNING');
    stream.close();
    await db.clock.advance(30_000);
    expect(await reaches(id, 'QUEUED')).toMatchObject({
      attempt: 2,
      epoch: 1,
      previousAttemptError: { message: 'The agent stopped answering while it held the job.' },
    });
    await expect.poll(() => control.gatewayCalls.ended).toContainEqual(lost);
    await db.clock.advance(5_000);
    const again = await agent.connect([lost]);
    expect(again.fenced).toEqual([lost]);
    const ref = await started(again);
    expect(ref).toEqual({ jobId: id, epoch: 2 });
    again.accept(lost);
    expect(fromWireRef((await again.next('cancelJob')).job)).toEqual(lost);
    again.finish(lost, backedUp);
    expect(fromWireRef((await again.next('jobSettled')).job)).toEqual(lost);
    expect((await job(id)).state).toBe('DISPATCHED');
    again.finish(ref, backedUp);
    await again.next('jobSettled');
    expect(await job(id)).toMatchObject({ state: 'COMPLETED', attempt: 2, epoch: 2 });
  });

  it('fails with the reason after three attempts', async () => {
    await newAgent();
    const { id } = await enqueue();
    for (let attempt = 1; attempt <= 3; attempt += 1) {
      const stream = await agent.connect();
      expect((await started(stream)).epoch).toBe(attempt);
      stream.close();
      await db.clock.advance(30_000);
      await reaches(id, attempt < 3 ? 'QUEUED' : 'FAILED');
      await db.clock.advance(15_000);
    }
    expect((await job(id)).error).toEqual({
      code: 'TIMEOUT',
      message: 'The agent stopped answering while it held the job. This was attempt 3 of 3.',
    });
  });

  it('that the agent forgot is tried again as soon as the agent is back', async () => {
    const stream = await (await newAgent()).connect();
    const { id } = await enqueue();
    const ref = await started(stream);
    stream.accept(ref);
    await reaches(id, 'RUNNING');
    stream.close();
    const again = await agent.connect([]);
    expect(await job(id)).toMatchObject({ state: 'QUEUED', attempt: 2 });
    await db.clock.advance(5_000);
    expect(await started(again)).toEqual({ jobId: id, epoch: 2 });
  });

  it('is complete when its point is recorded though the agent never said so', async () => {
    const stream = await (await newAgent()).connect();
    const { id } = await enqueue();
    await started(stream);
    control.handlers.BACKUP.recorded.set(id, { recoveryPointId: POINT, backupType: 'FULL' });
    stream.close();
    await db.clock.advance(30_000);
    expect(await reaches(id, 'COMPLETED')).toMatchObject({ recoveryPointId: POINT, backupType: 'FULL' });
  });

  it('fails when its kind refuses what the agent reports', async () => {
    const stream = await (await newAgent()).connect();
    const { id } = await enqueue();
    const ref = await started(stream);
    control.handlers.BACKUP.finishFailure = new HoldfastError({
      kind: 'IllegalState',
      code: 'NO_SUCH_POINT',
      message: 'No such point was recorded.',
    });
    stream.finish(ref, backedUp);
    await stream.next('jobSettled');
    const after = await job(id);
    expect(after).toMatchObject({
      state: 'FAILED',
      error: { code: 'FAILED_PRECONDITION', message: 'No such point was recorded.' },
    });
    expect(after.recoveryPointId).toBeUndefined();
  });

  it('is not settled when the server itself fails; the agent reports again', async () => {
    const stream = await (await newAgent()).connect();
    const { id } = await enqueue();
    const ref = await started(stream);
    control.handlers.BACKUP.finishFailure = new Error('a defect');
    stream.finish(ref, backedUp);
    expect(await stream.ended).toMatchObject({ kind: 'Internal' });
    control.handlers.BACKUP.finishFailure = undefined;
    expect((await job(id)).state).toBe('DISPATCHED');
    const again = await agent.connect([ref]);
    again.finish(ref, backedUp);
    await again.next('jobSettled');
    await reaches(id, 'COMPLETED');
  });

  it('for which no command can be made fails with the reason, or is tried later', async () => {
    await newAgent();
    control.handlers.BACKUP.commandFailure = new HoldfastError({
      kind: 'NotFound',
      code: 'NO_ITEM',
      message: 'The item is gone.',
    });
    await agent.connect();
    const { id } = await enqueue();
    expect((await reaches(id, 'FAILED')).error).toEqual({ code: 'NOT_FOUND', message: 'The item is gone.' });
    control.handlers.BACKUP.commandFailure = new HoldfastError({
      kind: 'Unavailable',
      code: 'GATEWAY',
      message: 'Later.',
    });
    const later = await enqueue();
    await expect.poll(async () => (await job(later.id)).attempt).toBe(2);
    expect((await job(later.id)).state).toBe('QUEUED');
  });

  it('is cancelled at once while it is queued, by the agent while it runs, and by the end of its lease if the agent is silent', async () => {
    await newAgent();
    const queued = await enqueue();
    expect((await cancelJob(control.system, { jobId: queued.id })).state).toBe('CANCELLED');
    await expect(cancelJob(control.system, { jobId: queued.id })).rejects.toMatchObject({
      kind: 'IllegalState',
      code: 'JOB_IS_OVER',
    });

    const stream = await agent.connect();
    const [first, second] = [await enqueue(), await enqueue()];
    const refs = [await started(stream), await started(stream)];
    for (const ref of refs) stream.accept(ref);
    await reaches(first.id, 'RUNNING');
    await reaches(second.id, 'RUNNING');
    await cancelJob(control.system, { jobId: first.id });
    expect(fromWireRef((await stream.next('cancelJob')).job).jobId).toBe(first.id);
    stream.finish({ jobId: first.id, epoch: 1 }, { $case: 'cancelled', value: {} });
    await stream.next('jobSettled');
    expect((await job(first.id)).state).toBe('CANCELLED');

    await cancelJob(control.system, { jobId: second.id });
    await stream.next('cancelJob');
    await db.clock.advance(20_000);
    stream.send({ $case: 'heartbeat', value: { sequence: 1n } });
    await stream.next('heartbeatAck');
    await db.clock.advance(10_000);
    await reaches(second.id, 'CANCELLED');
  });

  it('of a revoked agent fails at once, and so does one that is wanted later', async () => {
    const stream = await (await newAgent()).connect();
    const running = await enqueue();
    await started(stream);
    await revokeAgent(control.system, { agentId: agent.id });
    expect(await stream.ended).toMatchObject({ code: 'AGENT_REVOKED' });
    expect(await job(running.id)).toMatchObject({
      state: 'FAILED',
      error: { code: 'FORBIDDEN', message: 'The agent was revoked.' },
    });
    expect(await enqueue()).toMatchObject({ state: 'FAILED', error: { message: 'The agent was revoked.' } });
    expect(control.links.ready(agent.id)).toBeUndefined();
  });

  it('opens sessions for its agent under its epoch only', async () => {
    const stream = await (await newAgent()).connect();
    const { id } = await enqueue();
    const ref = await started(stream);
    const gateway = control.coordinationClient(
      await control.authority.issue({ hosts: ['localhost'], identity: { role: 'gateway', id: POINT } }),
    );
    const ask = (agentId: string, job: JobRef) =>
      answer<AuthorizeSessionResponse>((done) =>
        gateway.authorizeSession({ agentId: uuidToBytes(agentId), job: wireRef(job) }, done),
      );
    expect(await ask(agent.id, ref)).toMatchObject({
      kind: SessionKind.SESSION_KIND_BACKUP,
      vault: { vaultId: uuidToBytes(VAULT), storeUrl: 'local:/srv/v' },
      rootNode: Buffer.alloc(0),
    });
    await expect(ask(agent.id, { ...ref, epoch: 2 })).rejects.toMatchObject({
      kind: 'IllegalState',
      code: 'JOB_FENCED',
    });
    await expect(ask(POINT, ref)).rejects.toMatchObject({ kind: 'Forbidden' });
    await expect(ask(agent.id, { jobId: POINT, epoch: 1 })).rejects.toMatchObject({ kind: 'Forbidden' });
    stream.finish(ref, backedUp);
    await reaches(id, 'COMPLETED');
    await expect(ask(agent.id, ref)).rejects.toMatchObject({ kind: 'IllegalState', code: 'JOB_FENCED' });
    gateway.close();
  });
});

describe('a restart of control', () => {
  it('leaves the agents one lease of time to come back before jobs are taken from them', async () => {
    const db = await openTestDatabase({ dialect: 'sqlite', file: ':memory:' });
    const before = await startControl(db);
    const agent = await before.newAgent('a');
    const stream = await agent.connect();
    const { id } = await before.system.unitOfWork.run((stores, transaction) =>
      enqueueJob(before.system, stores, transaction, {
        kind: 'BACKUP',
        subscriptionId: SUBSCRIPTION,
        vaultId: VAULT,
        protectedItemId: POINT,
        agentId: agent.id,
        payload: {},
      }),
    );
    await stream.next('startBackup');
    await before.stop();
    await db.clock.advance(600_000);
    const after = await startControl(db);
    await db.clock.advance(29_999);
    await new Promise((resolve) => setTimeout(resolve, 1_200));
    expect((await requireJob(after.system, id)).state).toBe('DISPATCHED');
    await db.clock.advance(1);
    await expect.poll(async () => (await requireJob(after.system, id)).state).toBe('QUEUED');
    agent.close();
    await after.stop();
    await db.orm.close(true);
  });
});

describe('the failure webhook', () => {
  it('hears of a failed job what and why, again until it answers well, and no secret', async () => {
    const bodies: string[] = [];
    const server = createServer((request, response) => {
      let body = '';
      request.on('data', (piece) => (body += piece));
      request.on('end', () => {
        bodies.push(body);
        response.writeHead(bodies.length === 1 ? 500 : 204).end();
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const db = await openTestDatabase({ dialect: 'sqlite', file: ':memory:' });
    const control = await startControl(db, {
      failureWebhook: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`,
    });
    const agent = await control.newAgent('a');
    const stream = await agent.connect();
    await control.system.unitOfWork.run((stores, transaction) =>
      enqueueJob(control.system, stores, transaction, {
        kind: 'BACKUP',
        subscriptionId: SUBSCRIPTION,
        vaultId: VAULT,
        protectedItemId: POINT,
        agentId: agent.id,
        payload: { hidden: 'payload' },
      }),
    );
    stream.finish(fromWireRef((await stream.next('startBackup')).job), failed('FORBIDDEN'));
    await expect.poll(() => bodies.length).toBe(1);
    // Moved on again and again: the next try is due after the pause that begins when this one has failed.
    const later = async (): Promise<number> => {
      await db.clock.advance(2_000);
      return bodies.length;
    };
    await expect.poll(later).toBe(2);
    expect(bodies[1]).toBe(bodies[0]);
    expect(JSON.parse(bodies[0] ?? '')).toMatchObject({
      event: 'job.failed',
      job: { kind: 'BACKUP', attempt: 1, error: { code: 'FORBIDDEN', message: 'Words.' } },
    });
    expect(bodies[0]).not.toContain('hidden');
    await db.clock.advance(600_000);
    await new Promise((resolve) => setTimeout(resolve, 600));
    expect(bodies).toHaveLength(2);
    agent.close();
    await control.stop();
    await db.orm.close(true);
    server.close();
  });
});
