import { packName } from '@holdfast/core/engine';
import { uuidToBytes } from '@holdfast/core/ids';
import { pino } from 'pino';
import { afterEach, describe, expect, it } from 'vitest';
import { World } from '../testing/world.fixture.js';
import { PATIENCE_MS } from './in-time.js';
import { LostPacks } from './lost-packs.js';

const A_SECOND = 1_000;

let world: World;
afterEach(() => world.remove());

/** Two packs of alice, of two files each, under a point; and one of its nodes. */
async function stored(name: string) {
  world = await World.create(name, { maxSessionsPerAgent: 100 });
  const { alice } = world;
  const { session } = await world.backup(alice);
  const files = ['one', 'two', 'three', 'four'].map((content) => alice.data(content));
  const [one, two, three, four] = files as [(typeof files)[0], (typeof files)[0], (typeof files)[0], (typeof files)[0]];
  const root = alice.node('root', files);
  const packs = [alice.pack([[one], [two]]), alice.pack([[three], [four]]), alice.pack([[root]])];
  for (const pack of packs) await world.upload(session, pack);
  await world.commit(session, root.id);
  const names = packs.map(({ packId }) => packName(uuidToBytes(packId)));
  const { vault } = session;
  return {
    ...{ vault, names, files, root },
    lose: async (...places: number[]) => {
      for (const place of places) await world.store.delete(names[place] ?? '');
      await vault.missingPacks.look();
    },
    /** What is told once it was counted anew. */
    counted: async () => {
      await world.clock.advance(A_SECOND);
      return vault.lostPacks.count();
    },
  };
}

describe('lost packs', () => {
  it('are none while nothing is suspect, and told with the first question after some were lost', async () => {
    const { vault, lose } = await stored('none');
    expect(await vault.lostPacks.count()).toBe(0);
    await lose(0);
    expect(await vault.lostPacks.count()).toBe(1);
  });

  it('are told as they were counted last, if ever, where nobody shall wait any longer for the count', async () => {
    const { vault, lose } = await stored('slow');
    await lose(0);
    let turn = Promise.withResolvers<void>();
    const turns = { of: () => ({ pass: () => turn.promise }) };
    const { clock } = world;
    const log = pino({ level: 'silent' });
    const lostPacks = new LostPacks(vault, { turns, isBusy: () => false, clock, timers: clock, log });
    const ask = async (): Promise<number | undefined> => {
      const answer = lostPacks.count();
      await clock.advance(PATIENCE_MS);
      return answer;
    };
    expect(await ask()).toBeUndefined();
    turn.resolve();
    await expect.poll(() => lostPacks.count()).toBe(1);
    await lose(1);
    turn = Promise.withResolvers();
    // Counting took long, and is not done again soon.
    await clock.advance(10 * PATIENCE_MS);
    expect(await ask()).toBe(1);
    turn.resolve();
    await expect.poll(() => lostPacks.count()).toBe(2);
  });

  it('are those of data and of nodes that nothing else in the vault stands for, until a backup has sent that again', async () => {
    const { vault, lose, counted, files, root } = await stored('healed');
    await lose(0, 1, 2);
    expect(await counted()).toBe(3);
    const { alice } = world;
    const { session } = await world.backup(alice);
    await world.upload(session, alice.pack([files.slice(0, 3)]));
    expect(await counted()).toBe(2);
    await world.upload(session, alice.pack([files.slice(3)]));
    expect(await counted()).toBe(1);
    await world.upload(session, alice.pack([[root]]));
    await world.commit(session, root.id);
    expect(await counted()).toBe(0);
    // They are suspect still, and looked at from time to time.
    expect(vault.index.suspectPacks(0, 9)).toHaveLength(3);
  });

  it('are those of which a part alone is damaged, too, and none once that is right again', async () => {
    const { vault, names, counted } = await stored('damaged');
    const name = names[0] ?? '';
    const bytes = Buffer.from(await world.store.get(name));
    await world.store.delete(name);
    await vault.missingPacks.look();
    const changed = Buffer.from(bytes);
    changed[20] = (changed[20] ?? 0) ^ 1;
    await world.store.put(name, changed);
    await vault.suspectPacks.look();
    expect(await counted()).toBe(1);
    await world.store.put(name, bytes);
    await vault.suspectPacks.look();
    expect(await vault.lostPacks.count()).toBe(0);
  });

  it('are not counted again for everybody who asks', async () => {
    const { vault, lose, counted } = await stored('asked');
    await lose(0);
    expect(await counted()).toBe(1);
    await lose(1);
    await world.clock.advance(A_SECOND - 1);
    expect(await vault.lostPacks.count()).toBe(1);
    expect(await counted()).toBe(2);
  });

  it('are left uncounted, and counted after the next start, where the vault is closed meanwhile', async () => {
    const { vault, lose } = await stored('closed');
    await lose(0);
    void vault.lostPacks.count();
    world.crash();
    await new Promise((resolve) => setTimeout(resolve, 20));
    const { lostPacks } = await world.core.vaults.open(world.vault);
    await expect.poll(() => lostPacks.count()).toBe(1);
  });
});
