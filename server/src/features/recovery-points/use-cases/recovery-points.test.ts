import { LogReader, openDescriptor, packName } from '@holdfast/core/engine';
import { HoldfastError } from '@holdfast/core/errors';
import { uuidToBytes } from '@holdfast/core/ids';
import { beforeAll, expect, it } from 'vitest';
import { describeOnEachDatabase } from '../../../platform/db/testing.js';
import { backupNow } from '../../protected-items/use-cases/backup-now.js';
import { getProtectedItem } from '../../protected-items/use-cases/get-protected-item.js';
import { stopProtection } from '../../protected-items/use-cases/stop-protection.js';
import { PROTECTION_HANDLERS } from '../../protection-runtime.js';
import { damagePack } from '../../vaults/testing/memory-gateway.js';
import { COUNTERS, openTestSite, type TestSite } from '../../vaults/testing/test-site.js';
import { uploadTree } from '../../vaults/testing/upload-tree.js';
import { writeLogs } from '../../vaults/use-cases/write-logs.js';
import { browseRecoveryPoint } from './browse-recovery-point.js';
import { deleteRecoveryPoint } from './delete-recovery-point.js';
import { getRecoveryPoint } from './get-recovery-point.js';
import { listRecoveryPoints } from './list-recovery-points.js';
import { preparePoint } from './prepare-point.js';
import { reconcilePoints } from './reconcile-points.js';
import { recordPoint } from './record-point.js';

const TREE = { srv: { 'a.txt': 'alpha', 'b.txt': 'beta', '\xff': 'not utf-8', deep: { inner: 'x' } } };
const FENCED = { kind: 'IllegalState', code: 'JOB_FENCED' };

describeOnEachDatabase('recovery points', (open) => {
  let site: TestSite;
  let vaultId: string;
  beforeAll(async () => {
    site = await openTestSite(await open());
    vaultId = (await site.addVault()).vault.id;
  });

  const points = async (itemId: string) =>
    (await listRecoveryPoints(site.ctx, { protectedItemId: itemId }, { first: 50, direction: 'ASC' })).items.map(
      ({ item }) => item,
    );
  const browse = (recoveryPointId: string, path: string, page: { first: number; after?: string } = { first: 100 }) =>
    browseRecoveryPoint(site.ctx, { recoveryPointId, path: Buffer.from(path), page });

  async function begin(itemId: string, tree = TREE) {
    const job = await site.run(await backupNow(site.ctx, { protectedItemId: itemId, type: 'FULL' }));
    const command = await PROTECTION_HANDLERS.BACKUP.buildCommand(site.ctx, job);
    if (command.kind !== 'BACKUP') throw new Error('not a backup');
    const { rootNode } = await uploadTree(site.gateway, command, job.agentId, tree);
    const ref = { jobId: job.id, epoch: job.epoch };
    const question = { agentId: job.agentId, job: ref, rootNode, type: 'FULL' as const, counters: COUNTERS };
    return { job, ref, question };
  }

  it('chain up, make the item PROTECTED, and are what the next backup compares with', async () => {
    const itemId = await site.protect(vaultId);
    expect(await getProtectedItem(site.ctx, itemId)).toMatchObject({ state: 'PENDING' });
    const first = await site.backUp(itemId, TREE);
    expect(first.command).toMatchObject({ type: 'FULL', cacheGeneration: 1 });
    expect('lastPointId' in first.command).toBe(false);
    expect(first.command).toMatchObject({ expectedBytes: 0n, expectedEntries: 0n });
    const second = await site.backUp(itemId, { ...TREE, etc: { hosts: 'h' } }, 'INCREMENTAL', first.pointId);
    const third = await site.backUp(itemId, TREE, 'INCREMENTAL', second.pointId);
    expect(third.command).toMatchObject({ lastPointId: second.pointId, lastFullPointId: first.pointId });
    const { bytesTotal: expectedBytes, entries: expectedEntries } = COUNTERS;
    expect(third.command).toMatchObject({ expectedBytes, expectedEntries });
    expect(await getProtectedItem(site.ctx, itemId)).toMatchObject({ state: 'PROTECTED' });
    const chain = await points(itemId);
    expect(chain.map((point) => [point.sequence, point.id, point.basePointId])).toEqual([
      [1, first.pointId, undefined],
      [2, second.pointId, first.pointId],
      [3, third.pointId, second.pointId],
    ]);
    expect(chain[1]?.previousSha256?.equals(chain[0]?.objectSha256 as Buffer)).toBe(true);
    expect(chain.map((point) => point.statistics.bytesStored)).toEqual([20n, 20n, 20n]);
    expect(new Set(chain.map((point) => point.committedAt)).size).toBe(3);
  });

  it('are prepared once per job and root, and recorded once', async () => {
    const itemId = await site.protect(vaultId);
    const { job, ref, question } = await begin(itemId);
    const [one, two] = [await preparePoint(site.asGateway, question), await preparePoint(site.asGateway, question)];
    expect(two).toEqual(one);
    const record = { agentId: job.agentId, job: ref, ...one };
    await recordPoint(site.asGateway, record);
    await recordPoint(site.asGateway, record);
    expect((await points(itemId)).map((point) => point.id)).toEqual([one.pointId]);
    const recorded = await site.ctx.unitOfWork.run((stores) => PROTECTION_HANDLERS.BACKUP.recordedPoint(stores, job));
    expect(recorded).toMatchObject({ recoveryPointId: one.pointId, backupType: 'FULL' });
    await site.finish(job);
    await expect(recordPoint(site.asGateway, record)).resolves.toBeUndefined();
  });

  it('are refused to a lease that is over, to another agent, and to anyone but a gateway', async () => {
    const itemId = await site.protect(vaultId);
    const { job, ref, question } = await begin(itemId);
    const prepared = await preparePoint(site.asGateway, question);
    const record = { agentId: job.agentId, job: ref, ...prepared };
    const old = { ...ref, epoch: ref.epoch - 1 };
    await expect(preparePoint(site.asGateway, { ...question, job: old })).rejects.toMatchObject(FENCED);
    await expect(recordPoint(site.asGateway, { ...record, job: old })).rejects.toMatchObject(FENCED);
    const other = await site.addAgent(site.subscriptionId, 'other');
    await expect(recordPoint(site.asGateway, { ...record, agentId: other })).rejects.toMatchObject({
      kind: 'Forbidden',
    });
    await expect(recordPoint(site.ctx, record)).rejects.toMatchObject({ kind: 'Forbidden' });
    await expect(
      preparePoint({ ...site.ctx, principal: { kind: 'agent', agentId: job.agentId } }, question),
    ).rejects.toMatchObject({ kind: 'Forbidden' });
    expect(await points(itemId)).toEqual([]);
    await site.finish(job);
    await expect(recordPoint(site.asGateway, record)).rejects.toMatchObject(FENCED);
  });

  it('are refused when their object was changed or signed for another job', async () => {
    const itemId = await site.protect(vaultId);
    const { job, ref, question } = await begin(itemId);
    const prepared = await preparePoint(site.asGateway, question);
    const changed = Buffer.from(prepared.signedPoint);
    changed.writeUInt8(changed.readUInt8(60) ^ 1, 60);
    await expect(
      recordPoint(site.asGateway, { agentId: job.agentId, job: ref, pointId: prepared.pointId, signedPoint: changed }),
    ).rejects.toMatchObject({ kind: 'Integrity' });
    await site.finish(job);
    const next = await begin(itemId);
    await expect(
      recordPoint(site.asGateway, { agentId: job.agentId, job: next.ref, ...prepared }),
    ).rejects.toMatchObject({ code: 'POINT_OF_ANOTHER_JOB' });
    await site.finish(next.job);
  });

  it('must name a base that the item has', async () => {
    const foreign = (await site.backUp(await site.protect(vaultId), TREE)).pointId;
    const { job, question } = await begin(await site.protect(vaultId));
    await expect(
      preparePoint(site.asGateway, { ...question, type: 'INCREMENTAL', basePointId: foreign }),
    ).rejects.toMatchObject({ code: 'UNKNOWN_BASE' });
    await site.finish(job);
  });

  it('that a crash left without a row are adopted when whole, set aside when not, and known the next time', async () => {
    const itemId = await site.protect(vaultId);
    const lost = await begin(itemId);
    const prepared = await preparePoint(site.asGateway, lost.question);
    await site.finish(lost.job);
    const found = (complete: boolean) => ({
      vaultId,
      points: [
        { signedPoint: prepared.signedPoint, complete },
        { signedPoint: Buffer.from('rubbish'), complete: true },
      ],
    });
    const first = await reconcilePoints(site.asGateway, found(false));
    expect(first.adopted).toEqual([]);
    expect(first.quarantined).toContain(prepared.pointId);
    expect(first.quarantined).toHaveLength(2);
    expect((await reconcilePoints(site.asGateway, found(true))).adopted).toEqual([prepared.pointId]);
    expect((await reconcilePoints(site.asGateway, found(true))).adopted).toEqual([]);
    expect((await points(itemId)).map((point) => point.id)).toEqual([prepared.pointId]);
    expect(await getProtectedItem(site.ctx, itemId)).toMatchObject({ state: 'PROTECTED' });
    await expect(reconcilePoints(site.ctx, found(true))).rejects.toMatchObject({ kind: 'Forbidden' });
  });

  it('that were adopted meanwhile make a prepared one be prepared anew behind them', async () => {
    const itemId = await site.protect(vaultId);
    const lost = await begin(itemId);
    const lostPoint = await preparePoint(site.asGateway, lost.question);
    await site.finish(lost.job);
    const again = await begin(itemId, { srv: { ...TREE.srv, 'a.txt': 'changed' } });
    const stale = await preparePoint(site.asGateway, again.question);
    await reconcilePoints(site.asGateway, {
      vaultId,
      points: [{ signedPoint: lostPoint.signedPoint, complete: true }],
    });
    const record = { agentId: again.job.agentId, job: again.ref };
    await expect(recordPoint(site.asGateway, { ...record, ...stale })).rejects.toMatchObject({
      kind: 'Locked',
      code: 'ITEM_MOVED_ON',
    });
    const fresh = await preparePoint(site.asGateway, again.question);
    expect(fresh.pointId).not.toBe(stale.pointId);
    await recordPoint(site.asGateway, { ...record, ...fresh });
    expect((await points(itemId)).map((point) => point.id)).toEqual([lostPoint.pointId, fresh.pointId]);
    await site.finish(again.job);
    expect(
      (await reconcilePoints(site.asGateway, { vaultId, points: [{ signedPoint: stale.signedPoint, complete: true }] }))
        .quarantined,
    ).toEqual([stale.pointId]);
  });

  it('can be browsed directory by directory, page by page, with names that are not UTF-8', async () => {
    const { pointId } = await site.backUp(await site.protect(vaultId), TREE);
    expect((await browse(pointId, '/')).items.map(({ item }) => [item.name.toString(), item.type])).toEqual([
      ['srv', 'DIRECTORY'],
    ]);
    const page = await browse(pointId, '/srv//', { first: 3 });
    expect(page.items.map(({ item }) => [item.path.toString('latin1'), item.type, item.size])).toEqual([
      ['/srv/a.txt', 'FILE', 5n],
      ['/srv/b.txt', 'FILE', 4n],
      ['/srv/deep', 'DIRECTORY', 0n],
    ]);
    expect(page.items[0]?.item).toMatchObject({
      metadata: { mode: 0o644, uid: 4_294_967_294, modifiedAt: 1_700_000_000_123 },
    });
    expect(page.hasNextPage).toBe(true);
    const rest = await browse(pointId, '/srv', { first: 3, after: page.items[2]?.cursor ?? '' });
    expect(rest).toMatchObject({ hasNextPage: false, items: [{ item: { name: Buffer.from([0xff]) } }] });
  });

  it('of a directory with thousands of entries list every one of them, in pages', async () => {
    const many = Object.fromEntries(Array.from({ length: 5_000 }, (_, n) => [`f${String(n).padStart(5, '0')}`, 'x']));
    const { pointId } = await site.backUp(await site.protect(vaultId), { many });
    const seen: string[] = [];
    for (let after: string | undefined; ; ) {
      const page = await browse(pointId, '/many', { first: 200, ...(after && { after }) });
      seen.push(...page.items.map(({ item }) => item.name.toString()));
      if (!page.hasNextPage) break;
      after = page.items.at(-1)?.cursor;
    }
    expect(seen).toEqual(Object.keys(many));
  });

  it('say what is not there, what is no directory, and what is damaged, with the path', async () => {
    const { pointId, uploaded } = await site.backUp(await site.protect(vaultId), { other: { only: 'here' } });
    await expect(browse(pointId, '/other/nope')).rejects.toMatchObject({
      kind: 'NotFound',
      code: 'NO_SUCH_PATH',
      details: { path: '/other/nope' },
    });
    await expect(browse(pointId, '/other/only')).rejects.toMatchObject({ kind: 'Validation', code: 'NOT_A_DIRECTORY' });
    await expect(browse(pointId, 'other')).rejects.toMatchObject({ kind: 'Validation', code: 'BAD_PATH' });
    await expect(browse(pointId, '/', { first: 201 })).rejects.toMatchObject({ code: 'PAGE_SIZE' });
    await expect(browse(pointId, '/', { first: 1, after: '!' })).rejects.toMatchObject({ code: 'MALFORMED_CURSOR' });
    const damaged = await site.backUp(await site.protect(vaultId), { broken: { directory: { file: 'z' } } });
    await damagePack(site.gateway.store(vaultId), damaged.uploaded.packIds.node);
    await expect(browse(damaged.pointId, '/broken')).rejects.toMatchObject({
      kind: 'Integrity',
      details: { path: '/broken' },
    });
    expect(uploaded.rootNode).toHaveLength(32);
  });

  it('are browsed by the next copy where one does not open to what it should be', async () => {
    const tree = { twice: { below: { file: 'q' } } };
    const { pointId, command, uploaded } = await site.backUp(await site.protect(vaultId), tree);
    const other = (await site.addVault()).vault.id;
    const { publicKey } = (await site.backUp(await site.protect(other), tree)).command.domain;
    // Its bytes are what its footer says; only whoever opens it finds out that nobody can.
    const strange = { ...command, domain: { ...command.domain, publicKey } };
    const order = async (packId: Buffer): Promise<number> => {
      const names = await Array.fromAsync(site.gateway.store(vaultId).list('pack/'), ({ name }) => name);
      return names.indexOf(packName(packId));
    };
    for (;;) {
      const { packIds } = await uploadTree(site.gateway, strange, site.agentId, tree);
      if ((await order(packIds.node)) < (await order(uploaded.packIds.node))) break;
    }
    const fetches = site.gateway.fetches;
    expect((await browse(pointId, '/twice')).items.map(({ item }) => item.name.toString())).toEqual(['below']);
    expect(site.gateway.fetches).toBeGreaterThan(fetches + 1);

    // When none is left, it says so.
    const damaged = { broken: { twice: { file: 'q' } } };
    const lost = await site.backUp(await site.protect(vaultId), damaged);
    await uploadTree(site.gateway, strange, site.agentId, damaged);
    await damagePack(site.gateway.store(vaultId), lost.uploaded.packIds.node);
    await expect(browse(lost.pointId, '/broken')).rejects.toMatchObject({ kind: 'Integrity', code: 'NODE_DAMAGED' });
  });

  it('that are deleted are gone for people, stay in the chain, and stand in the vault’s log', async () => {
    const fresh = (await site.addVault()).vault;
    const itemId = await site.protect(fresh.id);
    const first = await site.backUp(itemId, TREE);
    const second = await site.backUp(itemId, TREE, 'INCREMENTAL', first.pointId);
    const wakes = site.logWakes.count;
    await deleteRecoveryPoint(site.ctx, { recoveryPointId: second.pointId });
    expect(site.logWakes.count).toBe(wakes + 1);
    expect(await getRecoveryPoint(site.ctx, second.pointId)).toBeUndefined();
    await expect(browse(second.pointId, '/')).rejects.toMatchObject({ kind: 'NotFound' });
    await expect(deleteRecoveryPoint(site.ctx, { recoveryPointId: second.pointId })).rejects.toMatchObject({
      kind: 'NotFound',
    });
    const third = await site.backUp(itemId, TREE, 'INCREMENTAL', first.pointId);
    expect(third.command).toMatchObject({ lastPointId: first.pointId });
    expect((await points(itemId)).map((point) => point.sequence)).toEqual([1, 3]);

    site.gateway.failure = new HoldfastError({ kind: 'Unavailable', code: 'GRPC_UNAVAILABLE', message: 'down' });
    expect(await writeLogs(site.ctx)).toBe(0);
    site.gateway.failure = undefined;
    await stopProtection(site.ctx, { protectedItemId: itemId, retainData: false });
    expect(await writeLogs(site.ctx)).toBe(3);
    expect(await writeLogs(site.ctx)).toBe(0);
    expect(await points(itemId)).toEqual([]);

    const store = site.gateway.store(fresh.id);
    const [descriptor] = await Array.fromAsync(store.list('descriptor/'));
    const { signingPublicKey } = openDescriptor({
      name: descriptor?.name ?? '',
      bytes: await store.get(descriptor?.name ?? ''),
    });
    const log = new LogReader(signingPublicKey, uuidToBytes(fresh.id));
    const events = [];
    for await (const { name } of store.list('log/'))
      events.push(log.next({ name, bytes: await store.get(name) }).event?.$case);
    expect(events).toEqual(['ownerTaken', 'pointDeleted', 'pointDeleted', 'pointDeleted']);
  });

  it('of an ITEM vault use a domain of their own per item, made at the first backup', async () => {
    const own = (await site.addVault({ dedupDomain: 'ITEM' })).vault;
    const [one, two] = [await site.protect(own.id), await site.protect(own.id)];
    site.gateway.failure = new HoldfastError({ kind: 'Unavailable', code: 'GRPC_UNAVAILABLE', message: 'down' });
    const job = await site.run(await backupNow(site.ctx, { protectedItemId: one, type: 'FULL' }));
    await expect(PROTECTION_HANDLERS.BACKUP.buildCommand(site.ctx, job)).rejects.toMatchObject({ kind: 'Unavailable' });
    await site.finish(job);
    site.gateway.failure = undefined;
    const [first, second, again] = [
      await site.backUp(one, TREE),
      await site.backUp(two, TREE),
      await site.backUp(one, TREE),
    ];
    expect(first.command.domain.domainId).toBe(again.command.domain.domainId);
    expect(first.command.domain.domainId).not.toBe(second.command.domain.domainId);
    expect(Buffer.from(first.command.domain.idKey).equals(second.command.domain.idKey)).toBe(false);
    expect(await Array.fromAsync(site.gateway.store(own.id).list('domain/'))).toHaveLength(2);
    expect((await browse(second.pointId, '/srv')).items).toHaveLength(4);
  });
});
