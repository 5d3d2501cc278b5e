import { randomUUID } from 'node:crypto';
import { beforeAll, expect, it } from 'vitest';
import { describeOnEachDatabase, type TestDatabase } from '../../../platform/db/testing.js';
import type { Vault } from '../domain/vault.js';

const vault = (overrides: Partial<Vault> = {}): Vault => ({
  id: randomUUID(),
  subscriptionId: randomUUID(),
  regionId: randomUUID(),
  name: 'main',
  kind: 'RECOVERY_SERVICES',
  redundancy: 'LRS',
  dedupDomain: 'VAULT',
  state: 'CREATING',
  storeUrl: 'local:/srv/vaults/x',
  descriptor: Buffer.from([0, 255, 1]),
  logNumber: 0,
  logSha256: Buffer.alloc(32, 1),
  createdAt: 1_000,
  ...overrides,
});

describeOnEachDatabase('the store of vaults', (open) => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await open();
  });
  const insert = (each: Vault) => database.unitOfWork.run(({ vaults }) => vaults.insert(each));

  it('gives back what it was given', async () => {
    const kept = vault({ recoveryKitConfirmedAt: 5 });
    await insert(kept);
    expect(await database.unitOfWork.run(({ vaults }) => vaults.get(kept.id))).toEqual(kept);
  });

  it('takes a name once per subscription, from the first moment on', async () => {
    const first = vault();
    await insert(first);
    await expect(insert(vault({ subscriptionId: first.subscriptionId }))).rejects.toMatchObject({
      kind: 'Conflict',
      code: 'VAULT_NAME_TAKEN',
    });
    await insert(vault({ name: 'main' }));
  });

  it('shows a vault only once it is ready, and gives up only one that is not', async () => {
    const [made, abandoned] = [vault(), vault()];
    await insert(made);
    await insert(abandoned);
    const domain = { id: randomUUID(), vaultId: abandoned.id, message: Buffer.from('d'), stored: true };
    const listed = (id: string) =>
      database.unitOfWork.run(
        async ({ vaults }) =>
          (await vaults.list([{ subscriptionId: 's', vaultId: id }], {}, { first: 5 })).items.length,
      );
    expect(await listed(made.id)).toBe(0);
    await database.unitOfWork.run(async ({ vaults }) => {
      await vaults.insertDomain(domain);
      expect(await vaults.markReady(made.id)).toBe(true);
      await vaults.giveUp(made.id);
      await vaults.giveUp(abandoned.id);
      expect(await vaults.markReady(abandoned.id)).toBe(false);
      expect(await vaults.get(abandoned.id)).toBeUndefined();
      expect(await vaults.getDomain(domain.id)).toBeUndefined();
      expect((await vaults.allReady()).map((each) => each.id)).toContain(made.id);
    });
    expect(await listed(made.id)).toBe(1);
  });

  it('numbers the log without a gap, whoever appends, and forgets what is durable in the store', async () => {
    const logged = vault();
    await insert(logged);
    const entry = (number: number) => ({ vaultId: logged.id, number, signed: Buffer.from(`entry ${number}`) });
    await database.unitOfWork.run(async ({ vaults }) => {
      expect(await vaults.appendLog(entry(1), Buffer.alloc(32, 1))).toBe(true);
      expect(await vaults.appendLog(entry(1), Buffer.alloc(32, 9))).toBe(false);
      expect(await vaults.appendLog(entry(3), Buffer.alloc(32, 9))).toBe(false);
      expect(await vaults.appendLog(entry(2), Buffer.alloc(32, 2))).toBe(true);
      expect(await vaults.unwrittenLog(10, [])).toEqual([entry(1), entry(2)]);
      expect(await vaults.unwrittenLog(10, [logged.id])).toEqual([]);
      await vaults.markLogWritten(logged.id, 1);
      expect(await vaults.unwrittenLog(10, [])).toEqual([entry(2)]);
      await vaults.markLogWritten(logged.id, 2);
      expect(await vaults.get(logged.id)).toMatchObject({ logNumber: 2, logSha256: Buffer.alloc(32, 2) });
    });
  });

  it('keeps one domain per item, and the vault’s own apart', async () => {
    const [vaultId, itemId] = [randomUUID(), randomUUID()];
    const own = { id: randomUUID(), vaultId, message: Buffer.from('v'), stored: true };
    const ofItem = { id: randomUUID(), vaultId, itemId, message: Buffer.from('i'), stored: false };
    await database.unitOfWork.run(async ({ vaults }) => {
      await vaults.insertDomain(ofItem);
      await vaults.insertDomain(own);
      await vaults.markDomainStored(ofItem.id);
      expect(await vaults.domainOfVault(vaultId)).toEqual(own);
      expect(await vaults.domainOfItem(itemId)).toEqual({ ...ofItem, stored: true });
    });
    await expect(
      database.unitOfWork.run(({ vaults }) => vaults.insertDomain({ ...ofItem, id: randomUUID() })),
    ).rejects.toMatchObject({ code: 'DOMAIN_EXISTS' });
  });

  it('lets a catalog have one server', async () => {
    const identity = () => ({
      serverId: randomUUID(),
      signingPublicKey: Buffer.alloc(32),
      sealedSigningKey: Buffer.from('k'),
    });
    const first = identity();
    await database.unitOfWork.run(({ serverIdentity }) => serverIdentity.insert(first));
    await expect(
      database.unitOfWork.run(({ serverIdentity }) => serverIdentity.insert(identity())),
    ).rejects.toMatchObject({ code: 'SERVER_HAS_IDENTITY' });
    expect(await database.unitOfWork.run(({ serverIdentity }) => serverIdentity.get())).toEqual(first);
  });
});
