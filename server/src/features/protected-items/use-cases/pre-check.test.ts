import { beforeAll, expect, it } from 'vitest';
import { describeOnEachDatabase } from '../../../platform/db/testing.js';
import type { AgentLink } from '../../agents/services.js';
import { PROTECTION_HANDLERS } from '../../protection-runtime.js';
import { COUNTERS, openTestSite, type TestSite } from '../../vaults/testing/test-site.js';
import type { RootTrouble } from '../domain/pre-check.js';
import { backupNow } from './backup-now.js';
import { configureProtection } from './configure-protection.js';
import { getProtectedItem } from './get-protected-item.js';

const [HERE, GONE] = [Buffer.from('/srv'), Buffer.from('/no/such')];
const TROUBLE = { path: GONE, message: 'no such file or directory (ENOENT)' };

describeOnEachDatabase('the pre-check of an item', (open) => {
  let site: TestSite;
  let vaultId: string;
  beforeAll(async () => {
    site = await openTestSite(await open());
    vaultId = (await site.addVault()).vault.id;
  });

  async function agentThatSays(troubles: readonly RootTrouble[]): Promise<string> {
    const agentId = await site.addAgent(site.subscriptionId, `host ${site.ctx.newId()}`);
    const link: AgentLink = {
      agentId,
      send(message) {
        if (message.kind !== 'check') return false;
        setImmediate(() => site.ctx.services.agents.sourceChecks.answered(agentId, message.checkId, troubles));
        return true;
      },
      end: () => undefined,
    };
    site.links.attach(link, 'instance', 0);
    site.links.markReady(link);
    return agentId;
  }
  const protect = (agentId: string) =>
    configureProtection(site.ctx, {
      agentId,
      vaultId,
      name: `item ${site.ctx.newId()}`,
      files: { roots: [HERE, GONE], include: [], exclude: [], oneFileSystem: false },
    });
  const preCheckOf = async (id: string) => (await getProtectedItem(site.ctx, id))?.preCheck;

  it('is there as soon as it is protected, when its agent is connected', async () => {
    const item = await protect(await agentThatSays([TROUBLE]));
    expect(item.preCheck).toMatchObject({ status: 'WARNING', troubles: [TROUBLE] });
    expect(await preCheckOf(item.id)).toEqual(item.preCheck);
    expect((await protect(await agentThatSays([]))).preCheck).toMatchObject({ status: 'PASSED', troubles: [] });
  });

  it('is made anew by each backup, whatever becomes of that', async () => {
    const item = await protect(site.agentId);
    expect(item.preCheck).toBeUndefined();
    const end = async (rootTroubles?: readonly RootTrouble[]): Promise<void> => {
      const job = await site.run(await backupNow(site.ctx, { protectedItemId: item.id, type: 'FULL' }));
      const result = {
        outcome: { kind: 'failure', code: 'FAILED_PRECONDITION', message: 'No.' },
        counters: { ...COUNTERS },
        notices: [],
        noticesTotal: 0,
        ...(rootTroubles && { rootTroubles }),
      } as const;
      await site.ctx.unitOfWork.run((stores) => PROTECTION_HANDLERS.BACKUP.onFinished(site.ctx, stores, job, result));
      await site.finish(job);
    };
    await end([TROUBLE, { path: HERE, message: 'gone' }]);
    expect(await preCheckOf(item.id)).toMatchObject({ status: 'CRITICAL' });
    await end();
    expect(await preCheckOf(item.id)).toMatchObject({ status: 'CRITICAL' });
    await end([]);
    expect(await preCheckOf(item.id)).toMatchObject({ status: 'PASSED', troubles: [] });
  });
});
