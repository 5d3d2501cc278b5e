import { SeededChance } from '../kit/seeded-chance.js';
import { describeMishap, describeStrike, drawMishap, drawMishaps, drawStrikes } from './strikes.js';
import { whatLossesBreak } from './verify-losses.js';
import { type Description, whatIsLeftOver, whatIsWrong } from './verify-world.js';
import { type Crowd, World } from './world.js';

export interface SimulationReport {
  readonly kills: number;
  readonly powerCuts: number;
  readonly points: number;
  /** Uploads that gave their places up, and that went on where they were. */
  readonly pauses: number;
  readonly resumes: number;
  /** Packs that vanished, that came back as they were, and that came back changed. */
  readonly lost: number;
  readonly cameBack: number;
  readonly changed: number;
  readonly trace: readonly string[];
}

/**
 * A few backups of one tree with deaths, power cuts and lost calls on the way; in some worlds packs vanish from the store, and in some others
 * want the agent's places. Throws, with its seed, when anything is lost or left unknown.
 */
export async function simulate(seed: string): Promise<SimulationReport> {
  const chance = new SeededChance(`${seed} plan`);
  const cutsPerHundred = chance.pick([0, 0, 3, 15]);
  const crowd = chance.below(3) === 0 ? drawCrowd(chance) : undefined;
  const losesPacks = chance.below(3) === 0;
  const world = await World.create(seed, { cutsPerHundred, crowd });
  try {
    return await world.run(async () => {
      const trees = new Map<string, Description>();
      for (let round = 0, rounds = 2 + chance.below(2); round < rounds; round++) {
        if (round > 0) world.source.change();
        if (losesPacks && round > 0 && chance.below(2) === 0) world.suffer(drawMishap(chance));
        const tree = world.source.describe();
        const type =
          round === 0 ? 'FULL' : chance.pick(['FULL', 'INCREMENTAL', 'INCREMENTAL', 'DIFFERENTIAL'] as const);
        const strikes = drawStrikes(chance, crowd !== undefined);
        const mishaps = losesPacks ? drawMishaps(chance) : [];
        const events = [...strikes.map(describeStrike), ...mishaps.map(describeMishap)];
        world.trace.push(`${type} with ${events.join(', ') || 'nothing'}`);
        const { jobId } = await world.backUp(type, strikes, mishaps);
        trees.set(jobId, tree);
        throwIfAny(await whatIsLeftOver(world));
      }
      world.calmDown();
      if (world.lostPacks.lost > 0) throwIfAny(await whatLossesBreak(world, chance, trees));
      throwIfAny(await whatIsWrong(world, trees));
      const { kills, powerCuts, trace, witness, lostPacks } = world;
      const { pauses, resumes } = witness;
      const { lost, cameBack, changed } = lostPacks;
      return { kills, powerCuts, points: trees.size, pauses, resumes, lost, cameBack, changed, trace };
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

function drawCrowd(chance: SeededChance): Crowd {
  return {
    places: 1 + chance.below(2),
    neighbours: 1 + chance.below(3),
    link: { piecesPerFrame: chance.pick([3, 8]), msPerPiece: chance.pick([200, 700, 2_500]) },
  };
}

function throwIfAny(wrong: readonly string[]): void {
  if (wrong.length > 0) throw new Error(wrong.join('\n'));
}
