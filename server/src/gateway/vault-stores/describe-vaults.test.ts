import { setImmediate } from 'node:timers/promises';
import { descriptorName, type ObjectInfo } from '@holdfast/core/engine';
import { HoldfastError } from '@holdfast/core/errors';
import { afterEach, describe, expect, it } from 'vitest';
import { FaultyStore } from '../testing/faulty-store.fixture.js';
import { World } from '../testing/world.fixture.js';
import { VaultLook } from './describe-vaults.js';

let world: World;
afterEach(() => world.remove());

/** A vault whose store has a descriptor, and what the gateway says of it. */
async function look(seed: string): Promise<() => Promise<unknown>> {
  world = await World.create(seed);
  await world.store.put(descriptorName(1n), Buffer.from('descriptor'));
  const vaultLook = new VaultLook({
    vaults: { standing: (id) => world.core.vaults.standing(id) },
    timers: world.clock,
  });
  return async () => (await vaultLook.describe([world.vault.vaultId]))[0];
}

const away = new HoldfastError({ kind: 'Unavailable', code: 'STORE_MISSING', message: 'The store is not there.' });

describe('the service of a vault', () => {
  it('starts until the vault is open', async () => {
    const service = await look('opening');
    expect(await service()).toEqual({ state: 'STARTING' });
    await world.core.vaults.open(world.vault);
    expect(await service()).toEqual({ state: 'IN_SERVICE', lostPacks: 0 });
  });

  it('is refused with the reason for which it could not be opened, until it can', async () => {
    const service = await look('refused');
    const store = new FaultyStore(world.store);
    store.list = () => {
      throw away;
    };
    world.visibleStore = store;
    await expect(world.core.vaults.open(world.vault)).rejects.toBe(away);
    expect(await service()).toEqual({ state: 'OUT_OF_SERVICE', failure: away });
    world.visibleStore = world.store;
    await world.core.vaults.open(world.vault);
    expect(await service()).toEqual({ state: 'IN_SERVICE', lostPacks: 0 });
  });

  it('ends when the store of an open vault goes, and comes back with it', async () => {
    const service = await look('gone');
    const store = new FaultyStore(world.store);
    world.visibleStore = store;
    await world.core.vaults.open(world.vault);
    const stat = store.stat.bind(store);
    store.stat = async () => {
      throw away;
    };
    expect(await service()).toEqual({ state: 'OUT_OF_SERVICE', failure: away });
    // The folder on which a disk was mounted is there without it, and empty.
    store.stat = async () => undefined;
    expect(await service()).toMatchObject({ state: 'OUT_OF_SERVICE', failure: { code: 'STORE_EMPTY' } });
    store.stat = stat;
    expect(await service()).toEqual({ state: 'IN_SERVICE', lostPacks: 0 });
  });

  it('comes with the space of the store, where that can tell and does so in time', async () => {
    const service = await look('space');
    const store = new FaultyStore(world.store);
    world.visibleStore = store;
    await world.core.vaults.open(world.vault);
    const space = { free: 3n, total: 2n ** 63n };
    store.space = async () => space;
    expect(await service()).toEqual({ state: 'IN_SERVICE', space, lostPacks: 0 });
    store.space = async () => {
      throw away;
    };
    expect(await service()).toEqual({ state: 'IN_SERVICE', space: undefined, lostPacks: 0 });
    let asked = 0;
    store.space = () => {
      asked += 1;
      return new Promise(() => undefined);
    };
    for (let time = 0; time < 2; time += 1) {
      const answer = service();
      await setImmediate();
      await world.clock.advance(2_000);
      expect(await answer).toEqual({ state: 'IN_SERVICE', space: undefined, lostPacks: 0 });
    }
    expect(asked).toBe(1);
  });

  it('is known in time when the store hangs, which is asked once', async () => {
    const service = await look('hung');
    const store = new FaultyStore(world.store);
    world.visibleStore = store;
    await world.core.vaults.open(world.vault);
    let asked = 0;
    const answered = Promise.withResolvers<ObjectInfo>();
    store.stat = () => {
      asked += 1;
      return answered.promise;
    };
    const answers = [service(), service()];
    await world.clock.advance(2_000);
    for (const answer of await Promise.all(answers))
      expect(answer).toMatchObject({ state: 'OUT_OF_SERVICE', failure: { code: 'STORE_SILENT' } });
    const later = service();
    answered.resolve({ name: 'descriptor/0000000000000001', size: 1 });
    expect(await later).toEqual({ state: 'IN_SERVICE', lostPacks: 0 });
    expect(asked).toBe(1);
  });
});
