import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Data } from '../kit/holdfast/api.js';
import { SeededChance } from '../kit/seeded-chance.js';
import { CrashScene, describeStrike, drawStrikeInCrowd } from './crash-scene.js';
import { Crowd } from './crowd.js';

const minutes = Number(process.env.HOLDFAST_TEST_MINUTES ?? 10);
const seed = process.env.HOLDFAST_TEST_SEED ?? String(Date.now());
/** So slow that a pack takes several turns. */
const BYTES_PER_SECOND = 300_000;

let scene: CrashScene;
let crowd: Crowd | undefined;

beforeAll(async () => {
  scene = await CrashScene.prepare();
  const { fleet, vaultId } = scene;
  crowd = await Crowd.gather(fleet, vaultId);
  const uploadBytesPerSecond = String(BYTES_PER_SECOND);
  await fleet.api.mutate(
    'setAgentBandwidth',
    { agentId: fleet.agent().id, uploadBytesPerSecond, windows: [] },
    'agent { id }',
  );
}, 900_000);

afterAll(async () => {
  crowd?.leave();
  await scene?.stop();
});

describe('more agents than places, where gateway and agent are killed while packs are paused', () => {
  it(`lose and damage no committed recovery point (${minutes} minutes, seed ${seed})`, async () => {
    const chance = new SeededChance(seed);
    const ends = new Map<string, number>();
    const deadline = performance.now() + minutes * 60_000;
    let kills = 0;
    let gaveWay = 0;
    while (performance.now() < deadline) {
      const strike = drawStrikeInCrowd(chance, ['agent', 'gateway']);
      process.stderr.write(`${describeStrike(strike)}\n`);
      let waitedForTurn = false;
      const onProgress = ({ waitingFor }: Data): void => {
        waitedForTurn ||= /has had its turn/.test(waitingFor ?? '');
      };
      const { state } = await scene.backUpThrough(strike, 'FULL', { onProgress });
      if (waitedForTurn) gaveWay += 1;
      kills += 1;
      ends.set(state, (ends.get(state) ?? 0) + 1);
      const last = scene.committed.at(-1);
      if (last) await scene.restoresAsItWas(last);
    }
    await scene.everythingRestoresAsItWas();
    process.stderr.write(
      `seed ${seed}: ${kills} kills, the agent gave way in ${gaveWay} backups, ${scene.committed.length} points, all restored; jobs: ${JSON.stringify(Object.fromEntries(ends))}\n`,
    );
    expect(kills).toBeGreaterThan(0);
    expect(gaveWay).toBeGreaterThan(0);
    expect(ends.get('COMPLETED')).toBeGreaterThan(0);
  });
});
