import { afterAll, beforeAll, describe, it } from 'vitest';
import { SeededChance } from '../kit/seeded-chance.js';
import { CrashScene, describeStrike, drawStrikes } from './crash-scene.js';

/** The tests of one file: one fleet, a death of each victim in turn at a moment that the seed draws, and then everything restored. */
export function killAtMoments(seed: string, victims: Parameters<typeof drawStrikes>[1]): void {
  const strikes = drawStrikes(new SeededChance(seed), victims);
  let scene: CrashScene;

  beforeAll(async () => {
    scene = await CrashScene.prepare();
  });

  afterAll(async () => {
    await scene?.stop();
  });

  describe('kill -9 at a moment of the write path', () => {
    it.each(strikes.map((strike) => [describeStrike(strike), strike] as const))(
      'of %s: the job goes on or fails with its reason',
      async (_, strike) => {
        await scene.backUpThrough(strike);
      },
    );

    it('loses and damages no point that was committed', async () => {
      await scene.everythingRestoresAsItWas();
    });
  });
}
