import { beforeAll, expect, it } from 'vitest';
import { describeOnEachDatabase, type TestDatabase } from '../../../platform/db/testing.js';
import { SERVER } from '../../access/domain/scope.js';
import { backupNow } from '../../protected-items/use-cases/backup-now.js';
import { configureProtection } from '../../protected-items/use-cases/configure-protection.js';
import { getProtectedItem } from '../../protected-items/use-cases/get-protected-item.js';
import { stopProtection } from '../../protected-items/use-cases/stop-protection.js';
import { openTestSite, type TestSite } from '../../vaults/testing/test-site.js';
import { createPolicy } from '../use-cases/create-policy.js';
import { fireDueBackups } from './fire-due-backups.js';

const HOUR = 3_600_000;

describeOnEachDatabase('the schedule', (open) => {
  let database: TestDatabase;
  let site: TestSite;
  let vaultId: string;
  let policyId: string;
  beforeAll(async () => {
    database = await open();
    site = await openTestSite(database);
    vaultId = (await site.addVault()).vault.id;
    const schedule = {
      frequency: 'HOURLY',
      everyHours: 1,
      at: '00:30',
      timeZone: 'Etc/UTC',
      jitterMinutes: 0,
      backupType: 'DIFFERENTIAL',
    } as const;
    policyId = (await createPolicy(site.ctx, { subscriptionId: site.subscriptionId, name: 'hourly', schedule })).id;
  });
  const jobsOf = async (itemId: string) =>
    (
      await site.ctx.unitOfWork.run((stores) => stores.jobs.list([SERVER], { protectedItemId: itemId }, { first: 50 }))
    ).items.map(({ item }) => item);

  it('starts each occurrence once, of the type that the policy says, whoever looks how often', async () => {
    const itemId = await site.protect(vaultId, { policyId });
    await fireDueBackups(site.ctx);
    expect(await jobsOf(itemId)).toEqual([]);
    await database.clock.advance(HOUR / 2);
    await Promise.all([fireDueBackups(site.ctx), fireDueBackups(site.ctx), fireDueBackups(site.ctx)]);
    const [job, ...others] = await jobsOf(itemId);
    expect(others).toEqual([]);
    expect(job).toMatchObject({ kind: 'BACKUP', requestedBackupType: 'DIFFERENTIAL', requestedBy: 'system:test' });
    expect(await getProtectedItem(site.ctx, itemId)).toMatchObject({ nextBackupAt: database.clock.now() + HOUR });
  });

  it('catches up once after a day of downtime', async () => {
    const itemId = await site.protect(vaultId, { policyId });
    await database.clock.advance(26 * HOUR);
    await fireDueBackups(site.ctx);
    await fireDueBackups(site.ctx);
    expect(await jobsOf(itemId)).toHaveLength(1);
  });

  it('queues one behind a job that runs, and none behind one that waits', async () => {
    const itemId = await site.protect(vaultId, { policyId });
    const running = await site.run(await backupNow(site.ctx, { protectedItemId: itemId, type: 'FULL' }));
    for (const queued of [1, 1]) {
      await database.clock.advance(HOUR);
      await fireDueBackups(site.ctx);
      expect((await jobsOf(itemId)).filter((job) => job.state === 'QUEUED')).toHaveLength(queued);
    }
    await site.finish(running);
  });

  it('leaves a stopped item alone, and one without a policy', async () => {
    const [stopped, unscheduled] = [await site.protect(vaultId, { policyId }), await site.protect(vaultId)];
    await stopProtection(site.ctx, { protectedItemId: stopped, retainData: true });
    await database.clock.advance(2 * HOUR);
    await fireDueBackups(site.ctx);
    expect([await jobsOf(stopped), await jobsOf(unscheduled)]).toEqual([[], []]);
    await expect(backupNow(site.ctx, { protectedItemId: stopped, type: 'FULL' })).rejects.toMatchObject({
      code: 'PROTECTION_STOPPED',
    });
    await expect(stopProtection(site.ctx, { protectedItemId: stopped, retainData: true })).rejects.toMatchObject({
      code: 'ALREADY_STOPPED',
    });
  });

  it('takes only policies of the vault’s own subscription, and names once per vault', async () => {
    const files = { roots: [Buffer.from('/a')], include: [], exclude: [], oneFileSystem: false };
    const elsewhere = await createPolicy(site.ctx, {
      subscriptionId: await site.addSubscription('x'),
      name: 'p',
      schedule: { frequency: 'DAILY', at: '01:00', timeZone: 'Etc/UTC', jitterMinutes: 0, backupType: 'FULL' },
    });
    const input = { agentId: site.agentId, vaultId, name: 'same', files };
    await expect(configureProtection(site.ctx, { ...input, policyId: elsewhere.id })).rejects.toMatchObject({
      code: 'POLICY_ELSEWHERE',
    });
    await configureProtection(site.ctx, input);
    await expect(configureProtection(site.ctx, input)).rejects.toMatchObject({
      kind: 'Conflict',
      code: 'ITEM_NAME_TAKEN',
      details: { field: 'name' },
    });
    const databases = (await site.addVault({ kind: 'BACKUP' })).vault.id;
    await expect(configureProtection(site.ctx, { ...input, vaultId: databases })).rejects.toMatchObject({
      code: 'VAULT_KIND',
    });
  });
});
