import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { indexName } from '@holdfast/core/engine';
import { HoldfastError } from '@holdfast/core/errors';
import { afterEach, describe, expect, it } from 'vitest';
import { FaultyStore } from '../testing/faulty-store.fixture.js';
import { World } from '../testing/world.fixture.js';
import { openListedVaults } from './open-listed-vaults.js';
import { isComplete } from './reconcile-points.js';

let world: World;
afterEach(() => world.remove());

const never = new AbortController().signal;
const away = new HoldfastError({ kind: 'Unavailable', code: 'GONE', message: 'Gone.' });

describe('opening a vault', () => {
  it('is refused when the store holds packs and the index knows nothing', async () => {
    world = await World.create('lost index');
    await world.commitTree(world.alice, ['one']);
    const other = await World.create('lost index');
    other.visibleStore = world.store;
    await expect(other.core.vaults.open(other.vault)).rejects.toMatchObject({
      kind: 'IllegalState',
      code: 'INDEX_LOST',
    });
    await expect(other.core.vaults.open(other.vault)).rejects.toMatchObject({ code: 'INDEX_LOST' });
    other.remove();
  });

  it('remembers files without rows as leaked, and takes none of them away', async () => {
    world = await World.create('leaked');
    await world.commitTree(world.alice, ['one']);
    const strange = `pack/${'ab'.repeat(16)}`;
    await world.store.put(strange, Buffer.from('from nowhere'));
    await world.store.put('pack/not-a-pack', Buffer.from('x'));
    world.crash();
    const vault = await world.core.vaults.open(world.vault);
    expect(vault.index.packIds('leaked')).toEqual(['abababab-abab-abab-abab-abababababab']);
    expect(vault.index.packIds('stored')).toHaveLength(2);
    expect(await world.store.stat(strange)).toBeDefined();
    world.crash();
    expect((await world.core.vaults.open(world.vault)).index.packIds('leaked')).toHaveLength(1);
  });

  it('goes on after index objects that another process numbered', async () => {
    world = await World.create('numbers');
    await world.commitTree(world.alice, ['one']);
    await world.store.put(indexName(7n), Buffer.from('of another'));
    world.crash();
    await world.commitTree(world.alice, ['two']);
    expect(await world.store.stat(indexName(8n))).toBeDefined();
    expect((await world.store.get(indexName(7n))).toString()).toBe('of another');
  });

  it('is tried again after a failure', async () => {
    world = await World.create('again');
    const store = new FaultyStore(world.store);
    world.visibleStore = store;
    store.list = () => {
      throw away;
    };
    const entries = join(world.folder, `${world.vault.vaultId}.entries`);
    await expect(world.core.vaults.open(world.vault)).rejects.toBe(away);
    // Which would take a moment each time.
    expect(existsSync(entries)).toBe(false);
    world.visibleStore = world.store;
    await expect(world.core.vaults.open(world.vault)).resolves.toMatchObject({ vaultId: world.vault.vaultId });
    expect(existsSync(entries)).toBe(true);
  });

  it('with leave to make it fails for nobody who had none', async () => {
    world = await World.create('both at once');
    const store = new FaultyStore(world.store);
    world.visibleStore = store;
    const list = store.list.bind(store);
    store.list = () => {
      store.list = list;
      throw away;
    };
    const { vaults } = world.core;
    const [without, making] = await Promise.allSettled([
      vaults.open(world.vault),
      vaults.open(world.vault, { create: true }),
    ]);
    expect(without).toEqual({ status: 'rejected', reason: away });
    expect(making).toMatchObject({ status: 'fulfilled', value: { vaultId: world.vault.vaultId } });
  });

  it('is refused at another place than where it is open', async () => {
    world = await World.create('moved');
    await world.core.vaults.open(world.vault);
    await expect(world.core.vaults.open({ ...world.vault, storeUrl: 'local:/elsewhere' })).rejects.toMatchObject({
      kind: 'IllegalState',
    });
  });
});

describe('the start of a gateway', () => {
  it('waits for control, then tells it of every point in the store and whether all it reaches is there', async () => {
    world = await World.create('reconcile');
    const { alice } = world;
    await world.commitTree(alice, ['one']);
    // A point whose recording failed: the object is there, control knows nothing of its end.
    world.control.failing.set('recordPoint', away);
    await expect(world.commitTree(alice, ['two'])).rejects.toBe(away);
    world.control.failing.clear();
    world.crash();

    world.control.failing.set('listVaultStores', away);
    const started = openListedVaults(world.core, never);
    await world.clock.advance(1_000);
    expect(world.core.vaults.complete).toBe(false);
    world.control.failing.clear();
    const waiting = setInterval(() => void world.clock.advance(1_000), 1);
    await started;
    clearInterval(waiting);
    expect(world.core.vaults.complete).toBe(true);
    expect(world.control.reconciled.map(({ complete }) => complete)).toEqual([true, true]);
    expect(world.control.reconciled.map(({ signed }) => signed.toString('hex')).toSorted()).toEqual(
      [...world.control.points.values()].map(({ signed }) => signed.toString('hex')).toSorted(),
    );
  });

  it('passes over objects in the place of points that nobody can read, however large', async () => {
    world = await World.create('unreadable points');
    await world.commitTree(world.alice, ['one']);
    world.crash();
    await world.store.put(`point/${'0'.repeat(32)}`, Buffer.alloc(65 * 1024 * 1024));
    await world.store.put(`point/${'1'.repeat(32)}`, Buffer.alloc(5 * 1024 * 1024));
    await world.store.put(`point/${'2'.repeat(32)}`, Buffer.alloc(0));
    await openListedVaults(world.core, never);
    expect(world.control.reconciled).toHaveLength(1);
  });

  it('calls a point incomplete when anything below it is missing', async () => {
    world = await World.create('incomplete');
    const { alice } = world;
    const { session } = await world.backup(alice);
    const [there, absent] = [alice.data('there'), alice.data('absent')];
    const inner = alice.node('inner', [there]);
    const whole = alice.node('whole', [inner]);
    const broken = alice.node('broken', [inner, alice.node('x', [absent])]);
    await world.upload(session, alice.pack([[there]]));
    await world.upload(session, alice.pack([[inner, whole], [broken]]));
    const { index } = session.vault;
    expect(isComplete(index, whole.id)).toBe(true);
    expect(isComplete(index, broken.id)).toBe(false);
    expect(isComplete(index, absent.id)).toBe(false);
  });
});

describe('the background verifier', () => {
  it('has committed packs verified while nobody needs the gateway, so that questions find the verdicts', async () => {
    world = await World.create('background');
    const first = await world.commitTree(world.alice, ['one', 'two']);
    const { session: open } = await world.backup(world.alice);
    expect(open.vault.index.uncheckedPacks(9)).toEqual([]);
    await world.backup(world.bob);
    expect(open.vault.index.uncheckedPacks(9)).toHaveLength(2);
    await world.upload(open, world.alice.pack([[world.alice.data('not committed')]]));

    const stop = new AbortController();
    const leave = open.enter('question', 1);
    const running = world.core.verifier.run(stop.signal);
    await world.clock.advance(5_000);
    expect(world.control.verified).toEqual([]);
    leave();
    for (let turn = 0; turn < 200 && open.vault.index.uncheckedPacks(1).length > 0; turn++) {
      await world.clock.advance(500);
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    stop.abort();
    await running;
    expect(world.control.verified).toHaveLength(2);

    const asked = world.control.verified.length;
    const { session } = await world.backup(world.bob);
    expect(await world.has(session, [first.root, ...first.data])).toEqual([true, true, true]);
    expect(world.control.verified).toHaveLength(asked);
  });
});
