import { afterAll, beforeAll, describe, it } from 'vitest';
import { CrashScene, describeStrike, drawStrikes } from '../faults/crash-scene.js';
import { SeededChance } from '../kit/seeded-chance.js';

const strikes = drawStrikes(new SeededChance('server'), [
  ...(['control', 'all', 'control', 'all', 'control', 'all', 'control'] as const),
]);
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
