import { describeFolder } from '../../agent/src/jobs/testing/backup-bench.js';
import { SeededChance } from '../kit/seeded-chance.js';
import { describeStrike, drawStrikes } from './strikes.js';
import { type Description, whatIsWrong } from './verify-world.js';
import { World } from './world.js';

export interface SimulationReport {
  readonly kills: number;
  readonly powerCuts: number;
  readonly points: number;
  readonly trace: readonly string[];
}

/** A few backups of one tree with deaths, power cuts and lost calls on the way. Throws, with its seed, when anything is lost or left unknown. */
export async function simulate(seed: string): Promise<SimulationReport> {
  const chance = new SeededChance(`${seed} plan`);
  const world = await World.create(seed, { cutsPerHundred: chance.pick([0, 0, 3, 15]) });
  try {
    return await world.run(async () => {
      const trees = new Map<string, Description>();
      for (let round = 0, rounds = 2 + chance.below(2); round < rounds; round++) {
        if (round > 0) world.source.change();
        const tree = describeFolder(world.source.folder);
        const type =
          round === 0 ? 'FULL' : chance.pick(['FULL', 'INCREMENTAL', 'INCREMENTAL', 'DIFFERENTIAL'] as const);
        const strikes = drawStrikes(chance);
        world.trace.push(`${type} with ${strikes.map(describeStrike).join(', ') || 'nothing'}`);
        const { jobId } = await world.backUp(type, strikes);
        trees.set(jobId, tree);
      }
      const wrong = await whatIsWrong(world, trees);
      if (wrong.length > 0) throw new Error(wrong.join('\n'));
      const { kills, powerCuts, trace } = world;
      return { kills, powerCuts, points: trees.size, trace };
    });
  } catch (error) {
    throw new Error(
      [
        `seed ${seed}: ${error instanceof Error ? error.message : String(error)}`,
        ...world.trace,
        `again: npm run test:long -- test/simulation/simulation --seed ${seed}`,
      ].join('\n'),
      { cause: error },
    );
  }
}
