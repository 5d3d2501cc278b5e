import { expect, it } from 'vitest';
import { SeededChance } from '../kit/seeded-chance.js';
import { whatLossesBreak } from './verify-losses.js';
import { World } from './world.js';

const WORLDS = 12;

it(`what a store has lost is known, counts again as far as it comes back as it was, and is healed, in ${WORLDS} worlds`, async () => {
  let changed = 0;
  for (let number = 0; number < WORLDS; number++) {
    const seed = `lost/${number}`;
    const world = await World.create(seed, { cutsPerHundred: 0 });
    await world.run(async () => {
      const trees = new Map();
      for (const type of ['FULL', 'INCREMENTAL'] as const) {
        const tree = world.source.describe();
        trees.set((await world.backUp(type, [])).jobId, tree);
        world.suffer('lose');
        world.source.change();
      }
      expect(await whatLossesBreak(world, new SeededChance(`${seed} losses`), trees), seed).toEqual([]);
      changed += world.lostPacks.changed;
    });
  }
  expect(changed).toBeGreaterThan(0);
}, 120_000);
