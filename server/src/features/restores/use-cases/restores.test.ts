import {
  ChunkHasher,
  decodeFrameEntry,
  frameDigest,
  openChunks,
  openReleasedKey,
  PackKind,
  parseNode,
} from '@holdfast/core/engine';
import { HoldfastError } from '@holdfast/core/errors';
import { uuidToBytes } from '@holdfast/core/ids';
import { beforeAll, expect, it } from 'vitest';
import { describeOnEachDatabase } from '../../../platform/db/testing.js';
import type { Job } from '../../jobs/domain/job.js';
import type { RestoreCommand } from '../../jobs/domain/job-command.js';
import { releaseFrameKeys } from '../../key-release/use-cases/release-frame-keys.js';
import { stopProtection } from '../../protected-items/use-cases/stop-protection.js';
import { PROTECTION_HANDLERS } from '../../protection-runtime.js';
import { deleteRecoveryPoint } from '../../recovery-points/use-cases/delete-recovery-point.js';
import { openTestSite, type TestSite } from '../../vaults/testing/test-site.js';
import { type TriggerRestoreInput, triggerRestore } from './trigger-restore.js';

const TREE = { srv: { data: { 'a.txt': 'alpha' }, file: 'f' } };
const bytes = (text: string) => Buffer.from(text);

describeOnEachDatabase('restoring', (open) => {
  let site: TestSite;
  let vaultId: string;
  let itemId: string;
  let pointId: string;
  beforeAll(async () => {
    site = await openTestSite(await open());
    vaultId = (await site.addVault()).vault.id;
    itemId = await site.protect(vaultId);
    pointId = (await site.backUp(itemId, TREE)).pointId;
  });
  const trigger = (overrides: Partial<TriggerRestoreInput> = {}, ctx = site.ctx) =>
    triggerRestore(ctx, { recoveryPointId: pointId, mode: 'ORIGINAL_LOCATION', onConflict: 'FAIL', ...overrides });
  const alternate = (path: string, base = '/', agentId?: string) => ({
    mode: 'ALTERNATE_LOCATION' as const,
    target: { path: bytes(path), base: bytes(base), ...(agentId && { agentId }) },
  });
  async function commandOf(job: Job): Promise<RestoreCommand> {
    const command = await PROTECTION_HANDLERS.RESTORE.buildCommand(site.ctx, job);
    if (command.kind !== 'RESTORE') throw new Error('not a restore');
    return command;
  }

  it('tells the agent what all of a point comes to', async () => {
    const point = await site.ctx.unitOfWork.run((stores) => stores.recoveryPoints.get(pointId));
    const { bytesTotal, entries } = point?.statistics ?? {};
    expect(bytesTotal).toBeGreaterThan(0n);
    const job = await site.run(await trigger());
    expect(await commandOf(job)).toMatchObject({ expectedBytes: bytesTotal, expectedEntries: entries });
    await site.finish(job);
    // A folder that holds all roots is all of it as well; one in them is not.
    for (const [base, expectedBytes] of [
      ['/srv', bytesTotal],
      ['/srv/data', 0n],
    ] as const) {
      const placed = await site.run(await trigger(alternate('/mnt/x', base)));
      expect(await commandOf(placed), base).toMatchObject({ expectedBytes });
      await site.finish(placed);
    }
  });

  it('tells the agent what to put where, with a transport key of this lease alone', async () => {
    const other = await site.addAgent(site.subscriptionId, 'second');
    const job = await site.run(
      await trigger({
        ...alternate('/mnt/x/', '/srv', other),
        select: [bytes('/srv/data'), bytes('/srv/file')],
        onConflict: 'KEEP_BOTH',
      }),
    );
    expect(job).toMatchObject({ kind: 'RESTORE', agentId: other, recoveryPointId: pointId, protectedItemId: itemId });
    expect(JSON.stringify(job.payload)).not.toContain('Key');
    const command = await commandOf(job);
    expect(command).toMatchObject({
      pointId,
      itemId,
      vaultId,
      targetPath: bytes('/mnt/x'),
      base: bytes('/srv'),
      select: [bytes('/srv/data'), bytes('/srv/file')],
      onConflict: 'KEEP_BOTH',
      // Of a part only the agent can find out.
      expectedBytes: 0n,
    });
    expect(command.chunkMaxBytes).toBeGreaterThan(0);
    expect((await commandOf(job)).transportKey).toEqual(command.transportKey);
    expect(Buffer.from((await commandOf({ ...job, epoch: 2 })).transportKey).equals(command.transportKey)).toBe(false);
    const scope = await site.ctx.unitOfWork.run((stores) =>
      PROTECTION_HANDLERS.RESTORE.sessionScope(site.ctx, stores, job),
    );
    expect(scope).toMatchObject({ kind: 'RESTORE', itemId, rootNode: command.rootNode, domainId: command.domainId });
    await site.finish(job);
  });

  it('releases the keys of frames that only this job’s agent can use, and with them the content opens', async () => {
    const job = await site.run(await trigger());
    const command = await commandOf(job);
    const ref = { jobId: job.id, epoch: job.epoch };
    const [fetched] = await Array.fromAsync(site.gateway.fetchChunks({ vaultId, storeUrl: '' }, [command.rootNode]));
    if (fetched?.kind !== 'frame') throw new Error('no frame');
    const entry = decodeFrameEntry(fetched.frame.frame, PackKind.PACK_KIND_NODE);
    const { sessionKey } = fetched.frame;
    const question = { domainId: command.domainId, sessionKey, frameDigest: frameDigest(entry) };
    const [sealed] = await releaseFrameKeys(site.asGateway, { job: ref, frames: [question] });
    const place = { vaultId: uuidToBytes(vaultId), domainId: uuidToBytes(command.domainId) };
    const frameKey = openReleasedKey(command.transportKey, place, frameDigest(entry), sealed as Buffer);
    const chunks = openChunks(
      new ChunkHasher(command.idKey),
      frameKey,
      { ...place, kind: PackKind.PACK_KIND_NODE },
      entry,
      fetched.frame.bytes,
    );
    const root = chunks.find((chunk) => chunk.id.equals(command.rootNode));
    expect(root && parseNode(root.plaintext, root.edges)).toMatchObject({
      type: 'directory',
      entries: [{ name: bytes('srv') }],
    });

    await expect(releaseFrameKeys(site.ctx, { job: ref, frames: [question] })).rejects.toMatchObject({
      kind: 'Forbidden',
    });
    await expect(
      releaseFrameKeys(site.asGateway, { job: ref, frames: [{ ...question, frameDigest: Buffer.alloc(31) }] }),
    ).rejects.toMatchObject({ kind: 'Validation' });
    await expect(
      releaseFrameKeys(site.asGateway, { job: { ...ref, epoch: 0 }, frames: [question] }),
    ).rejects.toMatchObject({ code: 'JOB_FENCED' });
    await expect(
      releaseFrameKeys(site.asGateway, { job: ref, frames: [{ ...question, domainId: site.ctx.newId() }] }),
    ).rejects.toMatchObject({ code: 'FRAME_OF_ANOTHER_DOMAIN' });
    await expect(
      releaseFrameKeys(site.asGateway, { job: { jobId: site.ctx.newId(), epoch: 1 }, frames: [question] }),
    ).rejects.toMatchObject({ kind: 'Forbidden' });
    // What was found out for it is of no use to it any more.
    expect(site.ctx.services.pointAccesses.get(ref, site.ctx.clock.now())).toBeDefined();
    await site.finish(job);
    await expect(releaseFrameKeys(site.asGateway, { job: ref, frames: [question] })).rejects.toMatchObject({
      code: 'JOB_FENCED',
    });
  });

  it('never releases keys to a backup', async () => {
    const backup = await site.backUp(itemId, TREE);
    const running = await site.run(backup.job);
    await expect(
      releaseFrameKeys(site.asGateway, { job: { jobId: running.id, epoch: running.epoch }, frames: [] }),
    ).rejects.toMatchObject({ code: 'NOT_A_RESTORE' });
    await site.finish(running);
  });

  it('refuses paths that the point does not have before there is a job', async () => {
    await expect(trigger({ select: [bytes('/srv/data'), bytes('/srv/nope')] })).rejects.toMatchObject({
      kind: 'NotFound',
      code: 'NO_SUCH_PATH',
      details: { field: 'select', path: '/srv/nope' },
    });
    await expect(trigger(alternate('/mnt', '/srv/nope'))).rejects.toMatchObject({
      code: 'NO_SUCH_PATH',
      details: { field: 'target.base' },
    });
    await expect(trigger(alternate('/mnt', '/srv/file'))).rejects.toMatchObject({ code: 'NOT_A_DIRECTORY' });
    await expect(trigger({ target: { path: bytes('/x'), base: bytes('/') } })).rejects.toMatchObject({
      kind: 'Validation',
      details: { field: 'target' },
    });
  });

  it('queues a job nevertheless when nobody can look', async () => {
    const fresh = await site.backUp(await site.protect(vaultId), { unseen: { file: String(Math.PI) } });
    site.gateway.failure = new HoldfastError({ kind: 'Unavailable', code: 'GRPC_UNAVAILABLE', message: 'down' });
    expect(await trigger({ recoveryPointId: fresh.pointId, select: [bytes('/unseen/nope')] })).toMatchObject({
      state: 'QUEUED',
    });
    site.gateway.failure = undefined;
  });

  it('keeps a point that is being restored from being deleted, alone or with its item', async () => {
    const itemId = await site.protect(vaultId);
    const fresh = await site.backUp(itemId, TREE);
    const job = await site.run(await trigger({ recoveryPointId: fresh.pointId }));
    await expect(deleteRecoveryPoint(site.ctx, { recoveryPointId: fresh.pointId })).rejects.toMatchObject({
      kind: 'IllegalState',
      code: 'POINT_IN_USE',
    });
    await expect(stopProtection(site.ctx, { protectedItemId: itemId, retainData: false })).rejects.toMatchObject({
      code: 'POINT_IN_USE',
    });
    await site.finish(job);
    await deleteRecoveryPoint(site.ctx, { recoveryPointId: fresh.pointId });
    await expect(commandOf(job)).rejects.toMatchObject({ code: 'POINT_GONE' });
  });

  it('asks for two rights: on the source’s vault and on the target’s subscription', async () => {
    const elsewhere = await site.addSubscription('elsewhere');
    const foreignAgent = await site.addAgent(elsewhere, 'foreign');
    const sourceOnly = await site.addUser('RESTORE_OPERATOR', { subscriptionId: site.subscriptionId });
    await expect(trigger(alternate('/mnt', '/', foreignAgent), sourceOnly)).rejects.toMatchObject({ kind: 'NotFound' });
    const targetOnly = await site.addUser('OWNER', { subscriptionId: elsewhere });
    await expect(trigger(alternate('/mnt', '/', foreignAgent), targetOnly)).rejects.toMatchObject({ kind: 'NotFound' });
    const vaultOnly = await site.addUser('RESTORE_OPERATOR', { subscriptionId: site.subscriptionId, vaultId });
    await expect(trigger({}, vaultOnly)).rejects.toMatchObject({ kind: 'NotFound' });
    const both = await site.addUser('RESTORE_OPERATOR', { subscriptionId: site.subscriptionId });
    if (both.principal.kind !== 'user') throw new Error('no user');
    const { userId } = both.principal;
    await site.ctx.unitOfWork.run((stores) =>
      stores.roleAssignments.insert({
        id: site.ctx.newId(),
        userId,
        role: 'RESTORE_OPERATOR',
        scope: { subscriptionId: elsewhere },
        createdAt: 1,
      }),
    );
    expect(await trigger(alternate('/mnt', '/', foreignAgent), both)).toMatchObject({ agentId: foreignAgent });
  });
});
