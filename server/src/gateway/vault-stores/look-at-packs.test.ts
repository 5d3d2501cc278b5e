import { packName } from '@holdfast/core/engine';
import { uuidToBytes } from '@holdfast/core/ids';
import { afterEach, describe, expect, it } from 'vitest';
import { FaultyStore } from '../testing/faulty-store.fixture.js';
import { World } from '../testing/world.fixture.js';
import { lookAtPacks } from './look-at-packs.js';

const SIX_HOURS = 6 * 3_600_000;

let worlds: World[] = [];
afterEach(() => {
  for (const world of worlds) world.remove();
  worlds = [];
});

class HangingStore extends FaultyStore {
  asked = 0;
  override get(): Promise<Buffer> {
    this.asked += 1;
    return new Promise(() => undefined);
  }
}

/** A vault with a pack that was missed and is back; reading it hangs. */
async function withSuspects(seed: string, hangs = false) {
  const world = await World.create(seed);
  worlds.push(world);
  const hanging = new HangingStore(world.store);
  if (hangs) {
    world.visibleStore = hanging;
    world.crash();
  }
  const { alice } = world;
  const { session } = await world.backup(alice);
  const file = alice.data('file');
  const pack = alice.pack([[file]]);
  await world.upload(session, pack);
  const name = packName(uuidToBytes(pack.packId));
  const bytes = await world.store.get(name);
  await world.store.delete(name);
  await session.vault.missingPacks.look();
  await world.store.put(name, bytes);
  return {
    ...{ world, hanging, vault: session.vault },
    exists: async () => (await world.has(session, [file]))[0],
    takeAway: () => world.store.delete(name),
  };
}

describe('the looks at packs from time to time', () => {
  it('wait for no vault whose store hangs, and nobody who ends them waits for one', async () => {
    const hanging = await withSuspects('hanging', true);
    const sound = await withSuspects('sound');
    const { world } = hanging;
    const { clock } = world;
    const ending = new AbortController();
    const vaults = { all: () => [hanging.vault, sound.vault] };
    const looking = lookAtPacks({ vaults, timers: clock, log: world.core.log }, ending.signal);
    expect([await hanging.exists(), await sound.exists()]).toEqual([false, false]);
    await clock.advance(SIX_HOURS);
    await expect.poll(sound.exists).toBe(true);
    const { asked } = hanging.hanging;
    await clock.advance(SIX_HOURS);
    expect(world.logged.filter(({ msg }) => msg === 'vault.look_still_under_way')).toMatchObject([
      { vaultId: hanging.vault.vaultId },
    ]);
    expect([asked, hanging.hanging.asked]).toEqual([1, 1]);

    ending.abort();
    await expect(looking).rejects.toMatchObject({ kind: 'Cancelled' });
    expect(await hanging.exists()).toBe(false);
  });

  it('end without a word when the vault is closed', async () => {
    const { world, vault, takeAway } = await withSuspects('closed');
    world.logged.length = 0;
    const looking = [vault.suspectPacks.look()];
    await takeAway();
    looking.push(vault.missingPacks.look());
    world.crash();
    await Promise.all(looking);
    expect(world.logged).toEqual([]);
  });
});
