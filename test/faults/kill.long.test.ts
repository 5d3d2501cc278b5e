import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SeededChance } from '../kit/seeded-chance.js';
import { CrashScene, describeStrike, drawStrikes } from './crash-scene.js';

const minutes = Number(process.env.HOLDFAST_TEST_MINUTES ?? 10);
const seed = process.env.HOLDFAST_TEST_SEED ?? String(Date.now());
const VICTIMS = ['agent', 'gateway', 'control', 'all'] as const;
const TYPES = ['FULL', 'INCREMENTAL', 'DIFFERENTIAL'] as const;

let scene: CrashScene;

beforeAll(async () => {
  scene = await CrashScene.prepare();
}, 120_000);

afterAll(async () => {
  await scene?.stop();
});

describe('a fleet whose processes are killed at moments drawn at random', () => {
  it(`loses and damages no committed recovery point (${minutes} minutes, seed ${seed})`, async () => {
    const chance = new SeededChance(seed);
    const ends = new Map<string, number>();
    const deadline = performance.now() + minutes * 60_000;
    let kills = 0;
    while (performance.now() < deadline) {
      const [strike] = drawStrikes(chance, [chance.pick(VICTIMS)]);
      if (strike === undefined) throw new Error('nothing was drawn');
      const type = chance.pick(TYPES);
      process.stderr.write(`${type}: ${describeStrike(strike)}\n`);
      const { state } = await scene.backUpThrough(strike, type);
      kills += 1;
      ends.set(state, (ends.get(state) ?? 0) + 1);
      for (const point of [scene.committed.at(-1), chance.pick(scene.committed)])
        if (point) await scene.restoresAsItWas(point);
    }
    await scene.everythingRestoresAsItWas();
    process.stderr.write(
      `seed ${seed}: ${kills} kills, ${scene.committed.length} points, all restored; jobs: ${JSON.stringify(Object.fromEntries(ends))}\n`,
    );
    expect(kills).toBeGreaterThan(0);
  });
});
