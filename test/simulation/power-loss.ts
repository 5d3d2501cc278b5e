import { describeFolder } from '../../agent/src/jobs/testing/backup-bench.js';
import { SeededChance } from '../kit/seeded-chance.js';
import { type Description, whatIsLost } from './verify-world.js';
import { type PowerCut, World } from './world.js';

export interface PowerLossReport {
  /** Changes of the disk and the index that were recorded. */
  readonly changes: number;
  /** States that a cut may leave, of which each was started from and looked into. */
  readonly states: number;
  /** Points that had to be restored, over all of them. */
  readonly points: number;
}

/**
 * Backs up a few times and records, after each write of the gateway, what a power cut in that moment may leave: nothing that was not
 * flushed, and `samples` draws of what was. Then a gateway starts on each of these states, and every point that control had recorded
 * by then is restored. Of a hundred changes as many as `perHundred` are looked into; all of them in a long run.
 */
export async function losePower(seed: string, perHundred: number, samples: number): Promise<PowerLossReport> {
  const chance = new SeededChance(`${seed} power`);
  const world = await World.create(seed, { cutsPerHundred: 0 });
  return world.run(async () => {
    const cuts: PowerCut[] = [];
    let changes = 0;
    world.changed = () => {
      changes += 1;
      if (chance.below(100) >= perHundred) return;
      cuts.push(world.powerCut(() => false));
      for (let sample = 0; sample < samples; sample++) cuts.push(world.powerCut(() => chance.below(2) === 0));
    };
    const trees = new Map<string, Description>();
    for (const type of ['FULL', 'INCREMENTAL', 'FULL'] as const) {
      if (trees.size > 0) world.source.change();
      const tree = describeFolder(world.source.folder);
      trees.set((await world.backUp(type, [])).jobId, tree);
    }
    world.changed = () => undefined;
    let points = 0;
    for (const [number, cut] of cuts.entries()) {
      await world.comeBackFrom(cut);
      const lost = await whatIsLost(world, cut.recorded, trees);
      if (lost.length > 0) throw new Error(`seed ${seed}, state ${number} of ${cuts.length}: ${lost.join(', ')}`);
      points += cut.recorded.length;
    }
    return { changes, states: cuts.length, points };
  });
}
