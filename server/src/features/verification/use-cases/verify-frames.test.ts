import { readPackFooter } from '@holdfast/core/engine';
import { HoldfastError } from '@holdfast/core/errors';
import { uuidFromBytes } from '@holdfast/core/ids';
import { beforeAll, expect, it } from 'vitest';
import type { Context } from '../../../platform/context.js';
import { describeOnEachDatabase } from '../../../platform/db/testing.js';
import { damagePack } from '../../vaults/testing/memory-gateway.js';
import { openTestSite, type TestSite } from '../../vaults/testing/test-site.js';
import { uploadTree } from '../../vaults/testing/upload-tree.js';
import { verifyFrames } from './verify-frames.js';

describeOnEachDatabase('verifying frames', (open) => {
  let site: TestSite;
  let vaultId: string;
  let backup: Awaited<ReturnType<TestSite['backUp']>>;
  beforeAll(async () => {
    site = await openTestSite(await open());
    vaultId = (await site.addVault()).vault.id;
    backup = await site.backUp(await site.protect(vaultId), { srv: { a: 'alpha', b: 'beta' } });
  });
  const framesOf = async (packId: Buffer) => (await readPackFooter(site.gateway.store(vaultId), packId)).frames;
  const verify = (packId: Buffer, offsets: number[]) =>
    verifyFrames(site.asGateway, { vaultId, packId: uuidFromBytes(packId), offsets });
  const counts = async (packId: Buffer) => {
    const { good, bad } = await verify(
      packId,
      (await framesOf(packId)).map(({ offset }) => Number(offset)),
    );
    return [good.length, bad.length];
  };

  it('finds every chunk of honest packs good', async () => {
    const { data, node } = backup.uploaded.packIds;
    expect([await counts(data), await counts(node)]).toEqual([
      [2, 0],
      [2, 0],
    ]);
  });

  it('opens the frames that were asked for and no others', async () => {
    expect(await verify(backup.uploaded.packIds.data, [])).toEqual({ good: [], bad: [] });
    expect(await verify(backup.uploaded.packIds.data, [17])).toEqual({ good: [], bad: [] });
  });

  it('finds the chunks of an agent bad that names them with another key than the domain’s', async () => {
    const domain = { ...backup.command.domain, idKey: Buffer.alloc(32, 1) };
    const { packIds } = await uploadTree(site.gateway, { ...backup.command, domain }, site.agentId, {
      srv: { a: 'alpha' },
    });
    expect(await counts(packIds.data)).toEqual([0, 1]);
  });

  it('says nothing of damaged frames, nor of those of a domain that the catalog does not have', async () => {
    const damaged = await uploadTree(site.gateway, backup.command, site.agentId, { x: { y: 'z' } });
    await damagePack(site.gateway.store(vaultId), damaged.packIds.data);
    const foreign = { ...backup.command, domain: { ...backup.command.domain, domainId: site.ctx.newId() } };
    const stray = await uploadTree(site.gateway, foreign, site.agentId, { x: { y: 'other' } });
    expect(await counts(damaged.packIds.data)).toEqual([0, 0]);
    await expect(counts(stray.packIds.data)).rejects.toMatchObject({ kind: 'IllegalState', code: 'DOMAIN_NOT_KNOWN' });
  });

  it('says with keys of its own that are damaged nothing that could be taken for a verdict', async () => {
    const { unitOfWork } = site.asGateway;
    const ctx: Context = {
      ...site.asGateway,
      unitOfWork: {
        ...unitOfWork,
        run: (work, options) =>
          unitOfWork.run((stores, transaction) => {
            const vaults = Object.assign(Object.create(stores.vaults) as typeof stores.vaults, {
              getDomain: async (id: string) => ({
                ...(await stores.vaults.getDomain(id)),
                message: Buffer.from('damaged'),
              }),
            });
            return work({ ...stores, vaults }, transaction);
          }, options),
      },
    };
    const { data } = backup.uploaded.packIds;
    const offsets = (await framesOf(data)).map(({ offset }) => Number(offset));
    await expect(verifyFrames(ctx, { vaultId, packId: uuidFromBytes(data), offsets })).rejects.toMatchObject({
      kind: 'IllegalState',
      code: 'DOMAIN_KEYS_DAMAGED',
    });
  });

  it('says with an answer of the gateway that makes no sense nothing that could be taken for a verdict', async () => {
    const { data } = backup.uploaded.packIds;
    site.gateway.failure = new HoldfastError({ kind: 'Integrity', code: 'GATEWAY_ANSWER', message: 'No sense.' });
    await expect(verify(data, [16])).rejects.toMatchObject({ kind: 'Internal', code: 'FRAMES_NOT_READ' });
    site.gateway.failure = new HoldfastError({ kind: 'Unavailable', code: 'STORE_EMPTY', message: 'Away.' });
    await expect(verify(data, [16])).rejects.toBe(site.gateway.failure);
    site.gateway.failure = undefined;
  });

  it('gives no verdict on a pack that is not there, and none to anyone but a gateway', async () => {
    await expect(verify(Buffer.alloc(16, 3), [16])).rejects.toMatchObject({ kind: 'NotFound' });
    const packId = uuidFromBytes(backup.uploaded.packIds.data);
    await expect(verifyFrames(site.ctx, { vaultId, packId, offsets: [16] })).rejects.toMatchObject({
      kind: 'Forbidden',
    });
  });

  it('names the chunks as the pack’s own footer does', async () => {
    const frames = await framesOf(backup.uploaded.packIds.data);
    const { good } = await verify(
      backup.uploaded.packIds.data,
      frames.map(({ offset }) => Number(offset)),
    );
    expect(Buffer.concat(good).equals(Buffer.concat(frames.map((frame) => frame.chunkIds)))).toBe(true);
  });
});
