import { readPackFooter } from '@holdfast/core/engine';
import { uuidFromBytes } from '@holdfast/core/ids';
import { beforeAll, expect, it } from 'vitest';
import { describeOnEachDatabase } from '../../../platform/db/testing.js';
import { damagePack } from '../../vaults/testing/memory-gateway.js';
import { openTestSite, type TestSite } from '../../vaults/testing/test-site.js';
import { uploadTree } from '../../vaults/testing/upload-tree.js';
import { verifyPacks } from './verify-packs.js';

describeOnEachDatabase('verifying packs', (open) => {
  let site: TestSite;
  let vaultId: string;
  let backup: Awaited<ReturnType<TestSite['backUp']>>;
  beforeAll(async () => {
    site = await openTestSite(await open());
    vaultId = (await site.addVault()).vault.id;
    backup = await site.backUp(await site.protect(vaultId), { srv: { a: 'alpha', b: 'beta' } });
  });
  const verify = (...packIds: Buffer[]) =>
    verifyPacks(site.asGateway, { vaultId, packIds: packIds.map((id) => uuidFromBytes(id)) });
  const counts = async (...packIds: Buffer[]) =>
    (await verify(...packIds)).map(({ packId, good, bad }) => [packId, good.length, bad.length]);

  it('finds every chunk of honest packs good, and answers for each pack once', async () => {
    const { data, node } = backup.uploaded.packIds;
    expect(new Map((await counts(data, node, data)).map(([id, good, bad]) => [id, [good, bad]]))).toEqual(
      new Map([
        [uuidFromBytes(data), [2, 0]],
        [uuidFromBytes(node), [2, 0]],
      ]),
    );
  });

  it('finds the chunks of an agent bad that names them with another key than the domain’s', async () => {
    const domain = { ...backup.command.domain, idKey: Buffer.alloc(32, 1) };
    const { packIds } = await uploadTree(site.gateway, { ...backup.command, domain }, site.agentId, {
      srv: { a: 'alpha' },
    });
    expect(await counts(packIds.data)).toEqual([[uuidFromBytes(packIds.data), 0, 1]]);
  });

  it('says nothing of damaged frames, and finds those of a domain bad that the vault does not have', async () => {
    const damaged = await uploadTree(site.gateway, backup.command, site.agentId, { x: { y: 'z' } });
    await damagePack(site.gateway.store(vaultId), damaged.packIds.data);
    const foreign = { ...backup.command, domain: { ...backup.command.domain, domainId: site.ctx.newId() } };
    const stray = await uploadTree(site.gateway, foreign, site.agentId, { x: { y: 'other' } });
    expect(await counts(damaged.packIds.data)).toEqual([[uuidFromBytes(damaged.packIds.data), 0, 0]]);
    expect(await counts(stray.packIds.data)).toEqual([[uuidFromBytes(stray.packIds.data), 0, 1]]);
  });

  it('gives no verdict on a pack that is not there, and none to anyone but a gateway', async () => {
    expect(await verify(Buffer.alloc(16, 3))).toEqual([]);
    await expect(verifyPacks(site.ctx, { vaultId, packIds: [] })).rejects.toMatchObject({ kind: 'Forbidden' });
  });

  it('names the chunks as the pack’s own footer does', async () => {
    const footer = await readPackFooter(site.gateway.store(vaultId), backup.uploaded.packIds.data);
    const [verdict] = await verify(backup.uploaded.packIds.data);
    expect(Buffer.concat(verdict?.good ?? []).equals(Buffer.concat(footer.frames.map((frame) => frame.chunkIds)))).toBe(
      true,
    );
  });
});
