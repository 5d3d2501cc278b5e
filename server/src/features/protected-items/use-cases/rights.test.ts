import { isHoldfastError } from '@holdfast/core/errors';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Context } from '../../../platform/context.js';
import { describeOnEachDatabase } from '../../../platform/db/testing.js';
import { ROLES, type Role } from '../../access/domain/roles.js';
import { setAgentBandwidth } from '../../agents/use-cases/set-agent-bandwidth.js';
import { createPolicy } from '../../policies/use-cases/create-policy.js';
import { browseRecoveryPoint } from '../../recovery-points/use-cases/browse-recovery-point.js';
import { deleteRecoveryPoint } from '../../recovery-points/use-cases/delete-recovery-point.js';
import { getRecoveryPoint } from '../../recovery-points/use-cases/get-recovery-point.js';
import { triggerRestore } from '../../restores/use-cases/trigger-restore.js';
import { openTestSite, type TestSite } from '../../vaults/testing/test-site.js';
import { confirmRecoveryKit } from '../../vaults/use-cases/confirm-recovery-kit.js';
import { createVault } from '../../vaults/use-cases/create-vault.js';
import { getVault } from '../../vaults/use-cases/get-vault.js';
import { backupNow } from './backup-now.js';
import { configureProtection } from './configure-protection.js';
import { getProtectedItem } from './get-protected-item.js';
import { stopProtection } from './stop-protection.js';

const FILES = { roots: [Buffer.from('/srv')], include: [], exclude: [], oneFileSystem: false };
const SCHEDULE = {
  frequency: 'DAILY',
  at: '01:00',
  timeZone: 'Europe/Berlin',
  jitterMinutes: 0,
  backupType: 'FULL',
} as const;

interface Given {
  readonly site: TestSite;
  readonly vaultId: string;
  readonly recoveryKit: string;
  readonly itemId: string;
  readonly pointId: string;
}

// O owner, C contributor, P backup operator, R restore operator, r reader.
const MATRIX: [string, string, (ctx: Context, given: Given) => Promise<unknown>][] = [
  ['see a vault', 'OCPRr', (ctx, { vaultId }) => getVault(ctx, vaultId)],
  ['see an item', 'OCPRr', (ctx, { itemId }) => getProtectedItem(ctx, itemId)],
  ['see a point', 'OCPRr', (ctx, { pointId }) => getRecoveryPoint(ctx, pointId)],
  [
    'make a vault',
    'OC',
    (ctx, { site }) =>
      createVault(ctx, {
        subscriptionId: site.subscriptionId,
        regionId: site.regionId,
        name: `v ${ctx.newId()}`,
        kind: 'BACKUP',
        dedupDomain: 'VAULT',
      }),
  ],
  [
    'confirm a recovery kit',
    'OC',
    (ctx, { vaultId, recoveryKit }) => confirmRecoveryKit(ctx, { vaultId, recoveryKit }),
  ],
  [
    'make a policy',
    'OC',
    (ctx, { site }) =>
      createPolicy(ctx, { subscriptionId: site.subscriptionId, name: `p ${ctx.newId()}`, schedule: SCHEDULE }),
  ],
  [
    "limit an agent's bandwidth",
    'OC',
    async (ctx, { site }) => {
      const agentId = await site.addAgent(site.subscriptionId, `a ${ctx.newId()}`);
      return setAgentBandwidth(ctx, { agentId, bandwidth: { windows: [] } });
    },
  ],
  [
    'configure protection',
    'OCP',
    (ctx, { site, vaultId }) =>
      configureProtection(ctx, { agentId: site.agentId, vaultId, name: `i ${ctx.newId()}`, files: FILES }),
  ],
  ['back up', 'OCP', (ctx, { itemId }) => backupNow(ctx, { protectedItemId: itemId, type: 'FULL' })],
  [
    'browse a point',
    'OCPR',
    (ctx, { pointId }) =>
      browseRecoveryPoint(ctx, { recoveryPointId: pointId, path: Buffer.from('/'), page: { first: 1 } }),
  ],
  [
    'restore',
    'OCPR',
    (ctx, { pointId }) =>
      triggerRestore(ctx, { recoveryPointId: pointId, mode: 'ORIGINAL_LOCATION', onConflict: 'FAIL' }),
  ],
  [
    'delete a point',
    'OC',
    async (ctx, { site, vaultId }) =>
      deleteRecoveryPoint(ctx, {
        recoveryPointId: (await site.backUp(await site.protect(vaultId), { a: 'b' })).pointId,
      }),
  ],
  [
    'stop protection',
    'OC',
    async (ctx, { site, vaultId }) =>
      stopProtection(ctx, { protectedItemId: await site.protect(vaultId), retainData: true }),
  ],
];
const LETTERS: Readonly<Record<Role, string>> = {
  OWNER: 'O',
  BACKUP_CONTRIBUTOR: 'C',
  BACKUP_OPERATOR: 'P',
  RESTORE_OPERATOR: 'R',
  BACKUP_READER: 'r',
};

describeOnEachDatabase('rights in protection', (open) => {
  let given: Given;
  const users = new Map<string, Context>();
  beforeAll(async () => {
    const site = await openTestSite(await open());
    const { vault, recoveryKit } = await site.addVault();
    const vaultId = vault.id;
    const itemId = await site.protect(vaultId);
    given = {
      site,
      vaultId,
      recoveryKit,
      itemId,
      pointId: (await site.backUp(itemId, { srv: { file: 'x' } })).pointId,
    };
    for (const role of ROLES) users.set(role, await site.addUser(role, { subscriptionId: site.subscriptionId }));
    users.set('stranger', await site.addUser('OWNER', { subscriptionId: await site.addSubscription('other') }));
  });

  describe.each(MATRIX)('to %s', (_, allowed, attempt) => {
    it(`are those of the roles ${allowed}, and a stranger does not even learn that it exists`, async () => {
      const outcomes = new Map<string, string>();
      for (const [name, ctx] of users) {
        const outcome = await attempt(ctx, given).then(
          () => 'allowed',
          (error: unknown) => (isHoldfastError(error) ? error.kind : String(error)),
        );
        outcomes.set(name, outcome);
      }
      const expected = ROLES.map((role) => [role, allowed.includes(LETTERS[role]) ? 'allowed' : 'Forbidden']);
      expect([...outcomes]).toEqual([...expected, ['stranger', 'NotFound']]);
    });
  });

  it('need a principal at all, and every refusal is audited', async () => {
    const anonymous: Context = { ...given.site.ctx, principal: { kind: 'anonymous' } };
    await expect(getVault(anonymous, given.vaultId)).rejects.toMatchObject({ kind: 'Unauthenticated' });
    const refused = await given.site.ctx.unitOfWork.run((stores) =>
      stores.audit.list({ outcome: 'REFUSED' }, { first: 200 }),
    );
    expect(refused.items.length).toBeGreaterThan(20);
  });

  it('reach no agent of another subscription without the right to configure there', async () => {
    const { site, vaultId } = given;
    const foreign = await site.addAgent(await site.addSubscription('third'), 'foreign');
    const attempt = configureProtection(users.get('OWNER') as Context, {
      agentId: foreign,
      vaultId,
      name: 'foreign',
      files: FILES,
    });
    await expect(attempt).rejects.toMatchObject({ kind: 'NotFound' });
  });
});
