import {
  LogReader,
  openDescriptor,
  openDomain,
  parseRecoveryKit,
  SlotKind,
  unwrapVaultKey,
} from '@holdfast/core/engine';
import { HoldfastError } from '@holdfast/core/errors';
import { uuidToBytes } from '@holdfast/core/ids';
import { beforeAll, expect, it } from 'vitest';
import { describeOnEachDatabase } from '../../../platform/db/testing.js';
import { openTestSite, type TestSite } from '../testing/test-site.js';
import { confirmRecoveryKit } from './confirm-recovery-kit.js';
import { createVault } from './create-vault.js';
import { getVault } from './get-vault.js';
import { listVaultStores } from './list-vault-stores.js';
import { listVaults } from './list-vaults.js';

const DOWN = new HoldfastError({ kind: 'Unavailable', code: 'GRPC_UNAVAILABLE', message: 'No connection.' });
const FULL = new HoldfastError({ kind: 'Unavailable', code: 'STORE_FULL', message: 'The store is full.' });

describeOnEachDatabase('making a vault', (open) => {
  let site: TestSite;
  beforeAll(async () => {
    site = await openTestSite(await open());
  });
  const input = (name: string) => ({
    subscriptionId: site.subscriptionId,
    regionId: site.regionId,
    name,
    kind: 'RECOVERY_SERVICES' as const,
    dedupDomain: 'VAULT' as const,
  });

  it('writes a descriptor that the recovery kit alone opens, and a log that says whose the vault is', async () => {
    const { vault, recoveryKit } = await createVault(site.ctx, input('kit'));
    const store = site.gateway.store(vault.id);
    const [descriptorInfo] = await Array.fromAsync(store.list('descriptor/'));
    const name = descriptorInfo?.name ?? '';
    const descriptor = openDescriptor({ name, bytes: await store.get(name) });
    const slot = descriptor.slots.find((each) => each.kind === SlotKind.SLOT_KIND_RECOVERY_KIT);
    const vaultId = uuidToBytes(vault.id);
    const vaultKey = unwrapVaultKey(vaultId, slot as NonNullable<typeof slot>, parseRecoveryKit(recoveryKit));
    const secret = openDomain(vaultKey, vaultId, descriptor.vaultDomain as NonNullable<typeof descriptor.vaultDomain>);
    expect(secret.privateKey).toHaveLength(32);

    const [logInfo] = await Array.fromAsync(store.list('log/'));
    const log = new LogReader(descriptor.signingPublicKey, vaultId);
    const entry = log.next({ name: logInfo?.name ?? '', bytes: await store.get(logInfo?.name ?? '') });
    expect(entry.event?.$case).toBe('ownerTaken');
    expect(vault).toMatchObject({
      logNumber: Number(log.head.number),
      logSha256: log.head.sha256,
      storeUrl: `local:/srv/zone/${vault.id}`,
    });
  });

  it('keeps nothing of the recovery kit', async () => {
    const { vault, recoveryKit } = await createVault(site.ctx, input('nothing kept'));
    const secret = parseRecoveryKit(recoveryKit);
    const kept = await site.ctx.unitOfWork.run(async (stores) => [
      (await stores.vaults.get(vault.id))?.descriptor,
      (await stores.vaults.domainOfVault(vault.id))?.message,
    ]);
    const objects = await Promise.all(
      (await Array.fromAsync(site.gateway.store(vault.id).list(''))).map(({ name }) =>
        site.gateway.store(vault.id).get(name),
      ),
    );
    for (const bytes of [...kept, ...objects]) expect(bytes?.includes(secret)).toBe(false);
  });

  it('says why when the gateway or its store cannot take it, and leaves the name free', async () => {
    for (const [failure, code] of [
      [DOWN, 'GATEWAY_UNREACHABLE'],
      [FULL, 'STORE_FULL'],
    ] as const) {
      site.gateway.failure = failure;
      await expect(createVault(site.ctx, input('later'))).rejects.toMatchObject({
        kind: 'Unavailable',
        code,
        message: expect.stringMatching(/^The vault was not made: /) as string,
      });
    }
    site.gateway.failure = undefined;
    const { vault } = await createVault(site.ctx, input('later'));
    expect(await getVault(site.ctx, vault.id)).toMatchObject({ state: 'READY' });
  });

  it('refuses a name that is taken, also by one in the making, and sets one aside that a crash left behind', async () => {
    const { vault } = await createVault(site.ctx, input('taken'));
    await expect(createVault(site.ctx, input('taken'))).rejects.toMatchObject({
      kind: 'Conflict',
      code: 'VAULT_NAME_TAKEN',
    });
    const halfMade = { ...vault, id: site.ctx.newId(), name: 'half', state: 'CREATING' as const };
    await site.ctx.unitOfWork.run((stores) =>
      stores.vaults.insert({ ...halfMade, createdAt: site.ctx.clock.now() - 60_000 }),
    );
    await expect(createVault(site.ctx, input('half'))).rejects.toMatchObject({ code: 'VAULT_IN_THE_MAKING' });
    await site.ctx.unitOfWork.run(async (stores) => {
      await stores.vaults.giveUp(halfMade.id);
      await stores.vaults.insert({ ...halfMade, createdAt: site.ctx.clock.now() - 120_000 });
    });
    expect((await createVault(site.ctx, input('half'))).vault.state).toBe('READY');
  });

  it('refuses an unknown region, an unknown subscription and a name that cannot be shown', async () => {
    await expect(createVault(site.ctx, { ...input('r'), regionId: site.ctx.newId() })).rejects.toMatchObject({
      code: 'NO_SUCH_REGION',
      details: { field: 'regionId' },
    });
    await expect(createVault(site.ctx, { ...input('s'), subscriptionId: site.ctx.newId() })).rejects.toMatchObject({
      code: 'NO_SUCH_SUBSCRIPTION',
    });
    await expect(createVault(site.ctx, input('a\nb'))).rejects.toMatchObject({ kind: 'Validation' });
  });

  it('is refused when somebody else’s objects stand in its place', async () => {
    const put = site.gateway.putObject.bind(site.gateway);
    site.gateway.putObject = async (vault, name, content) => {
      await site.gateway.store(vault.vaultId).put(name, Buffer.from('other'));
      return put(vault, name, content);
    };
    await expect(createVault(site.ctx, input('foreign'))).rejects.toMatchObject({
      kind: 'Conflict',
      code: 'VAULT_HAS_ANOTHER_OWNER',
    });
    site.gateway.putObject = put;
  });

  it('tells gateways where ready vaults lie, and nobody where others do', async () => {
    const { vault } = await createVault(site.ctx, input('served'));
    expect(await listVaultStores(site.asGateway)).toContainEqual({ vaultId: vault.id, storeUrl: vault.storeUrl });
  });

  it('remembers that its kit was shown again, as somebody may have typed it', async () => {
    const { vault, recoveryKit } = await createVault(site.ctx, input('confirmed'));
    const typed = { vaultId: vault.id, recoveryKit: ` ${recoveryKit.toLowerCase().replaceAll('-', ' ')}\n` };
    const first = await confirmRecoveryKit(site.ctx, typed);
    expect(first.recoveryKitConfirmedAt).toBe(site.ctx.clock.now());
    expect(await confirmRecoveryKit(site.ctx, typed)).toEqual(first);
  });

  it.each([
    ['another vault’s kit', (_: string, other: string) => other, 'KIT_OF_ANOTHER_VAULT'],
    ['a kit with a slip', (own: string) => `${own.slice(0, -1)}${own.endsWith('0') ? '1' : '0'}`, 'RECOVERY_KIT'],
    ['no kit', () => '', 'RECOVERY_KIT'],
  ])('does not take %s for the vault’s own', async (_, given, code) => {
    const { vault, recoveryKit } = await createVault(site.ctx, input(`kit ${code} ${given('a', 'b')}`));
    const other = await site.addVault();
    const shown = given(recoveryKit, other.recoveryKit);
    await expect(confirmRecoveryKit(site.ctx, { vaultId: vault.id, recoveryKit: shown })).rejects.toMatchObject({
      kind: 'Validation',
      code,
      details: { field: 'recoveryKit' },
    });
    expect((await getVault(site.ctx, vault.id))?.recoveryKitConfirmedAt).toBeUndefined();
  });

  it('shows a vault to those with a role there and hides it from others', async () => {
    const { vault } = await createVault(site.ctx, input('shown'));
    const reader = await site.addUser('BACKUP_READER', { subscriptionId: site.subscriptionId, vaultId: vault.id });
    const stranger = await site.addUser('OWNER', { subscriptionId: await site.addSubscription('other') });
    expect((await listVaults(reader, {}, { first: 50 })).items.map(({ item }) => item.id)).toEqual([vault.id]);
    expect((await listVaults(stranger, {}, { first: 50 })).items).toEqual([]);
    await expect(getVault(stranger, vault.id)).rejects.toMatchObject({ kind: 'NotFound' });
    const wrong = { vaultId: vault.id, recoveryKit: 'HFK1' };
    await expect(confirmRecoveryKit(reader, wrong)).rejects.toMatchObject({ kind: 'Forbidden' });
  });
});
