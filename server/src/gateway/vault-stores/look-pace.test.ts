import { setImmediate } from 'node:timers/promises';
import { ManualClock } from '@holdfast/core/clock';
import { packName } from '@holdfast/core/engine';
import { uuidToBytes } from '@holdfast/core/ids';
import { afterEach, describe, expect, it } from 'vitest';
import { FaultyStore } from '../testing/faulty-store.fixture.js';
import { World } from '../testing/world.fixture.js';
import { Turns } from '../turn.js';
import { LookPace } from './look-pace.js';

function bench() {
  const clock = new ManualClock();
  const load = { isBusy: true };
  const pace = new LookPace({ turns: new Turns(clock), isBusy: () => load.isBusy, clock, timers: clock }, 'vault');
  /** Work of so many milliseconds, and for how long it rests afterwards. */
  const restAfter = async (ms: number): Promise<number> => {
    await clock.advance(ms);
    const before = clock.monotonic();
    let passed = false;
    const passing = pace.pass().then(() => {
      passed = true;
    });
    for (await setImmediate(); !passed; await setImmediate()) await clock.advance(1);
    await passing;
    return clock.monotonic() - before;
  };
  return { restAfter, load };
}

describe('the pace of a look', () => {
  it('has it rest for as long as it worked, while agents upload or restore', async () => {
    const { restAfter } = bench();
    expect(await restAfter(50)).toBe(50);
    expect(await restAfter(300)).toBe(300);
  });

  it('adds up what is short', async () => {
    const { restAfter } = bench();
    expect([await restAfter(8), await restAfter(8), await restAfter(8), await restAfter(8)]).toEqual([0, 0, 24, 0]);
  });

  it('holds nobody to a store that took very long to answer', async () => {
    const { restAfter } = bench();
    expect(await restAfter(3_600_000)).toBe(1_000);
  });

  it('has no rests while nobody else is at work', async () => {
    const { restAfter, load } = bench();
    load.isBusy = false;
    expect(await restAfter(500)).toBe(0);
    load.isBusy = true;
    expect(await restAfter(10)).toBe(0);
  });
});

let world: World;
afterEach(() => world?.remove());

describe('looks at packs', () => {
  it.each([
    ['missingPacks', 'that are gone', 0],
    ['suspectPacks', 'that are back', 0],
    ['suspectPacks', 'whose end is not', 1],
  ] as const)('have that pace (%s %s)', async (which, packsOf, lost) => {
    world = await World.create(which + packsOf);
    const { alice, clock } = world;
    const store = new FaultyStore(world.store);
    world.visibleStore = store;
    const { session } = await world.backup(alice);
    const { vault } = session;
    const packs = ['one', 'two', 'three'].map((content) => alice.pack([[alice.data(content)]]));
    for (const pack of packs) await world.upload(session, pack);
    const names = packs.map(({ packId }) => packName(uuidToBytes(packId)));
    const bytes = await Promise.all(names.map((name) => world.store.get(name)));
    for (const name of names) await world.store.delete(name);
    if (which === 'suspectPacks') {
      await vault.missingPacks.look();
      for (const [place, name] of names.entries()) await world.store.put(name, (bytes[place] as Buffer).subarray(lost));
    }
    const leave = session.enter('upload', 1);
    const stat = store.stat.bind(store);
    store.stat = async (name) => {
      await clock.advance(100);
      return stat(name);
    };
    let isOver = false;
    const looking = vault[which].look().then(() => {
      isOver = true;
    });
    let rested = 0;
    while (!isOver) {
      await setImmediate();
      if (isOver || clock.waiting === 0) continue;
      rested += 10;
      await clock.advance(10);
    }
    await looking;
    // Of three packs the first is looked at before anything was done.
    expect(rested).toBeGreaterThanOrEqual(200);
    leave();
    expect(vault.index.suspectPacks(0, 9)).toHaveLength(packsOf === 'that are back' ? 0 : 3);
  });
});
