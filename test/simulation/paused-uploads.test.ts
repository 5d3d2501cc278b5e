import { expect, it } from 'vitest';
import { whatIsLeftOver, whatIsWrong } from './verify-world.js';
import { World } from './world.js';

const CROWD = { places: 1, neighbours: 2, link: { piecesPerFrame: 8, msPerPiece: 2_500 } };

it.each(['agent', 'gateway'] as const)(
  'the death of the %s while a pack is paused leaves nothing of it behind',
  async (victim) => {
    const world = await World.create('paused', { cutsPerHundred: 0, crowd: CROWD });
    await world.run(async () => {
      const tree = world.source.describe();
      const strike = { moment: 'gateway.pack-paused', nth: 1, victims: [victim], power: false } as const;
      const { jobId } = await world.backUp('FULL', [strike]);
      expect(world.trace).toContain(`${victim} killed at gateway.pack-paused`);
      expect(await whatIsLeftOver(world)).toEqual([]);
      world.calmDown();
      expect(await whatIsWrong(world, new Map([[jobId, tree]]))).toEqual([]);
      expect(world.witness.resumes).toBeGreaterThan(0);
    });
  },
  120_000,
);
