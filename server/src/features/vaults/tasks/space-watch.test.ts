import { pino } from 'pino';
import { beforeAll, expect, it } from 'vitest';
import type { Context } from '../../../platform/context.js';
import { describeOnEachDatabase } from '../../../platform/db/testing.js';
import { openTestSite, type TestSite } from '../testing/test-site.js';
import { whatIsDegraded } from '../use-cases/what-is-degraded.js';
import { SpaceWatch } from './space-watch.js';

const ENOUGH = { free: 50n << 30n, total: 100n << 30n };
const LOW = { free: 1n << 30n, total: 100n << 30n };
const AWAY = { state: 'OUT_OF_SERVICE', reason: 'STORE_MISSING', message: 'It is not there.' } as const;

describeOnEachDatabase('the space of stores', (open) => {
  let site: TestSite;
  let ctx: Context;
  let vaultId: string;
  const logged: { msg: string; vaultId: string }[] = [];
  beforeAll(async () => {
    site = await openTestSite(await open());
    const log = pino({}, { write: (line: string) => logged.push(JSON.parse(line) as (typeof logged)[number]) });
    ctx = { ...site.ctx, log };
    ({ id: vaultId } = (await site.addVault({ name: 'small' })).vault);
    await site.addVault({ name: 'one that cannot tell' });
  });

  it('is told of once when it becomes low, and once when there is room again, also if the store was away meanwhile', async () => {
    const watch = new SpaceWatch();
    const told = async (): Promise<object[]> => {
      await watch.look(ctx);
      await watch.look(ctx);
      return logged.splice(0).map(({ msg, vaultId }) => ({ msg, vaultId }));
    };
    site.gateway.spaces.set(vaultId, ENOUGH);
    expect(await told()).toEqual([]);
    site.gateway.spaces.set(vaultId, LOW);
    expect(await told()).toEqual([{ msg: 'vault.space_low', vaultId }]);
    site.gateway.outOfService.set(vaultId, AWAY);
    expect(await told()).toEqual([]);
    site.gateway.outOfService.clear();
    expect(await told()).toEqual([]);
    site.gateway.spaces.set(vaultId, ENOUGH);
    expect(await told()).toEqual([{ msg: 'vault.space_enough', vaultId }]);
  });

  it('makes the server degraded while it is low, as a vault that is not in service does', async () => {
    site.gateway.spaces.set(vaultId, ENOUGH);
    expect(await whatIsDegraded(ctx)).toEqual([]);
    site.gateway.spaces.set(vaultId, LOW);
    expect(await whatIsDegraded(ctx)).toEqual(['space']);
    site.gateway.outOfService.set(vaultId, AWAY);
    expect(await whatIsDegraded(ctx)).toEqual(['vaults']);
    site.gateway.outOfService.clear();
  });
});
