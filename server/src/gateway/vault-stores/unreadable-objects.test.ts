import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { descriptorName, MemoryStore, openLocalStore, packName } from '@holdfast/core/engine';
import { HoldfastError } from '@holdfast/core/errors';
import { systemRandom, uuidToBytes } from '@holdfast/core/ids';
import { pino } from 'pino';
import { afterEach, describe, expect, it } from 'vitest';
import { FaultyStore } from '../testing/faulty-store.fixture.js';
import { World } from '../testing/world.fixture.js';
import { openListedVaults } from './open-listed-vaults.js';
import { settleVault } from './settle-vault.js';

let world: World;
afterEach(() => world.remove());

const never = new AbortController().signal;

function unavailable(code: string, errno: string): HoldfastError {
  return new HoldfastError({ kind: 'Unavailable', code, message: `${errno}.`, details: { errno } });
}
const io = unavailable('STORE_IO', 'EIO');

/** A point over two files in a pack each, and what stands between its store and the gateway. */
async function stored(name: string) {
  world = await World.create(name);
  const { alice } = world;
  await world.store.put(`domain/${'0'.repeat(32)}`, Buffer.from('a domain'));
  const store = new FaultyStore(world.store);
  world.visibleStore = store;
  const { session } = await world.backup(alice);
  const files = ['one', 'two'].map((content) => alice.data(content));
  const packs = files.map((file) => alice.pack([[file]]));
  for (const pack of packs) await world.upload(session, pack);
  const root = alice.node('root', files);
  await world.upload(session, alice.pack([[root]]));
  expect(await world.commit(session, root.id)).toMatchObject({ kind: 'committed' });
  const [first, second] = packs.map(({ packId }) => packName(uuidToBytes(packId))) as [string, string];
  return {
    ...{ store, files, first, second },
    exist: async () => world.has((await world.backup(alice)).session, files),
    restored: async () => {
      const restore = await world.restore(alice, root.id);
      await world.read(restore, [root.id]);
      return (await world.read(restore, [files[1]?.id as Buffer])).map(({ kind }) => kind);
    },
  };
}

const told = (event: string) => world.logged.filter(({ msg }) => msg === event);

describe('a vault of which a pack cannot be looked at', () => {
  it.each([
    ['its disk fails there', io],
    ['its inode is damaged', unavailable('STORE_FILE_SYSTEM', 'EUCLEAN')],
    ['it is closed to the server', unavailable('STORE_DENIED', 'EACCES')],
  ])(
    'opens where %s; the pack is named, counts for no new backup, and counts again once it was read',
    async (why, failure) => {
      const { store, first, exist, restored } = await stored(why);
      store.sick = (name) => (name === first ? failure : undefined);
      world.crash();
      expect(await exist()).toEqual([false, true]);
      expect(await restored()).toEqual(['frame']);
      expect(told('store.objects_not_read')).toMatchObject([
        { objects: [first], count: 1, err: { code: failure.code } },
      ]);
      store.sick = () => undefined;
      const { vault } = (await world.backup(world.alice)).session;
      await vault.suspectPacks.look();
      expect(await exist()).toEqual([true, true]);
    },
  );

  it('is looked at so from time to time, too', async () => {
    const { store, first, exist } = await stored('from time to time');
    const { vault } = (await world.backup(world.alice)).session;
    store.sick = (name) => (name === first ? io : undefined);
    await vault.missingPacks.look();
    expect(await exist()).toEqual([false, true]);
    expect(told('store.objects_not_read')).toHaveLength(1);
  });

  it('opens although the descriptor is another such object', async () => {
    const { store, first, exist } = await stored('descriptor');
    store.sick = (name) => (name === first || name === descriptorName(1n) ? io : undefined);
    world.crash();
    expect(await exist()).toEqual([false, true]);
  });

  it.each([
    ['the whole store fails', io, () => true],
    ['the folder of packs fails', io, undefined],
    ['the process has no descriptors left', unavailable('STORE_BUSY', 'EMFILE'), undefined],
  ])('does not open where %s, and nothing is held against it', async (why, failure, isSick) => {
    const { store, first, exist } = await stored(why);
    const list = store.list.bind(store);
    store.sick = (name) => ((isSick?.() ?? name === first) ? failure : undefined);
    if (why.includes('folder'))
      store.list = async function* (prefix, unreadable) {
        if (prefix !== 'pack/') yield* list(prefix, unreadable);
        else unreadable?.('pack/', failure);
      };
    world.crash();
    await expect(world.core.vaults.open(world.vault)).rejects.toBe(failure);
    store.sick = () => undefined;
    store.list = list;
    expect(await exist()).toEqual([true, true]);
    expect((await world.core.vaults.open(world.vault)).index.suspectPacks(0, 9)).toEqual([]);
  });

  it('forgets no pack that was on its way, for what cannot be looked at may be its file', async () => {
    const { store } = await stored('on its way');
    const { session } = await world.backup(world.alice);
    const { packId, kind } = world.alice.pack([[world.alice.data('three')]]);
    const { agentId: uploaderId } = world.alice;
    session.vault.index.recordArrivingPack({ id: packId, kind, domainId: session.domainId, uploaderId, session: 1 });
    const strange = `pack/${'ab'.repeat(16)}`;
    await world.store.put(strange, Buffer.from('whatever'));
    store.sick = (name) => (name === strange ? io : undefined);
    world.crash();
    expect((await world.core.vaults.open(world.vault)).index.packIds('arriving')).toEqual([packId]);
    store.sick = () => undefined;
    world.crash();
    expect((await world.core.vaults.open(world.vault)).index.packIds('arriving')).toEqual([]);
  });

  it('is refused without its index, as one whose packs can be read', async () => {
    const { store } = await stored('no index');
    const other = await World.create('no index');
    other.visibleStore = store;
    store.sick = (name) => (name.startsWith('pack/') ? io : undefined);
    await expect(other.core.vaults.open(other.vault)).rejects.toMatchObject({ code: 'INDEX_LOST' });
    other.remove();
  });

  it('has its other points reconciled where a point cannot be looked at', async () => {
    const { store } = await stored('points');
    await world.commitTree(world.alice, ['three']);
    const points = await Array.fromAsync(world.store.list('point/'), ({ name }) => name);
    store.sick = (name) => (name === points[0] ? io : undefined);
    world.crash();
    await openListedVaults(world.core, never);
    expect(points).toHaveLength(2);
    expect(world.control.reconciled).toHaveLength(1);
    expect(told('store.objects_not_read')).toMatchObject([{ objects: [points[0]] }]);
  });
});

describe('settling a vault', () => {
  it('fails where a pack is missing and that cannot be written down, so that no backup relies on it', async () => {
    const { first } = await stored('not written down');
    const { index } = (await world.backup(world.alice)).session.vault;
    await world.store.delete(first);
    const full = unavailable('INDEX_DISK_FULL', 'ENOSPC');
    const failing = Object.assign(Object.create(index) as typeof index, {
      changeState: () => {
        throw full;
      },
    });
    const ports = { log: pino({ level: 'silent' }), turn: world.core.turns.of('settling') };
    const settling = settleVault(world.vault.vaultId, world.store, failing, ports);
    await expect(settling).rejects.toBe(full);
  });
});

describe('a file in the place of a folder of packs', () => {
  it('keeps no vault from opening; what lay in the folder is missing', async () => {
    world = await World.create('file for a folder');
    const { alice } = world;
    const folder = mkdtempSync(join(tmpdir(), 'holdfast-shard-'));
    const root = join(folder, 'vault');
    const open = () => openLocalStore({ root, owner: 'test', random: systemRandom, create: true });
    try {
      const store = await open();
      await store.put(descriptorName(1n), Buffer.from('a descriptor'));
      world.visibleStore = store;
      world.crash();
      const { session } = await world.backup(alice);
      const files = ['one', 'two'].map((content) => alice.data(content));
      const packs = files.map((file, place) =>
        alice.pack([[file]], { packId: `${place}0000000-0000-4000-8000-000000000000` }),
      );
      for (const pack of packs) await world.upload(session, pack);
      rmSync(join(root, 'pack', '00'), { recursive: true });
      writeFileSync(join(root, 'pack', '00'), 'a file');
      world.visibleStore = await open();
      world.crash();
      expect(await world.has((await world.backup(alice)).session, files)).toEqual([false, true]);
      expect(told('store.objects_not_read')).toMatchObject([
        { objects: ['pack/00'], err: { code: 'SHARD_NOT_A_FOLDER' } },
      ]);
    } finally {
      world.visibleStore = new MemoryStore();
      rmSync(folder, { recursive: true });
    }
  });
});
