import type { SeededChance } from '../kit/seeded-chance.js';
import type { LostPack } from './lost-packs.js';
import { type Description, whatIsLost } from './verify-world.js';
import type { World } from './world.js';

const HOUR_MS = 3_600_000;
/** A gateway looks at its packs that often. */
const BETWEEN_LOOKS_MS = 6 * HOUR_MS;
const LONGEST_LOOK_MS = 60_000;
const LOOK_MS = 200;

type HowKnown = 'at a start' | 'with time';

/**
 * What must hold of packs that vanished, and came back or did not: the gateway finds out, restores never bring wrong bytes, what is as it was counts again and
 * nothing else does, and a full backup heals what the source still has. Returns what does not, in words. `trees` gains what is backed up here.
 */
export async function whatLossesBreak(
  world: World,
  chance: SeededChance,
  trees: Map<string, Description>,
): Promise<string[]> {
  const { catalog, lostPacks } = world;
  const restored = (): Promise<string[]> => whatIsLost(world, catalog.recorded(), trees);
  const wrong: string[] = [];
  // Seldom nobody looks before somebody reads.
  if (chance.below(4) > 0) wrong.push(...(await whatStaysUnknown(world, drawLook(chance))));
  if (lostPacks.broken.size > 0) wrong.push(...(await restored()));
  world.suffer(chance.pick(['bring back', 'bring back changed']));
  if (chance.below(2) === 0) wrong.push(...(await restored()));
  wrong.push(...(await whatStaysUnknown(world, drawLook(chance))));
  wrong.push(...(await restored()));
  if (wrong.length > 0 || lostPacks.broken.size === 0) return wrong;
  const broken = [...lostPacks.broken.values()];
  const unknown = new Set(lostPacks.unknownTo(world.index()));
  const still = await whatIsNotHealed(world, trees, new Set(broken.filter((loss) => !unknown.has(loss))));
  // Nobody has read what only points need whose own nodes are damaged. That restore has, as far as a backup of the same source needs it.
  return still.length > 0 || unknown.size === 0 ? still : whatIsNotHealed(world, trees, new Set(broken));
}

/** After a full backup, beside these losses, of which all that it needs is in the vault anew. */
async function whatIsNotHealed(
  world: World,
  trees: Map<string, Description>,
  known: ReadonlySet<LostPack>,
): Promise<string[]> {
  const { jobId, failure } = await world.backUp('FULL', []);
  if (failure !== undefined) return [`what is damaged is not healed: ${failure}`];
  trees.set(jobId, world.source.describe());
  world.knownLosses.set(jobId, known);
  return whatIsLost(world, world.catalog.recorded(), trees);
}

function drawLook(chance: SeededChance): HowKnown {
  return chance.pick(['at a start', 'with time']);
}

/** Waits until the gateway has looked. Returns what it does not know after that. */
async function whatStaysUnknown(world: World, how: HowKnown): Promise<string[]> {
  const { clock, lostPacks } = world;
  world.trace.push(`packs are looked at ${how}`);
  if (how === 'at a start') world.kill(['gateway'], false);
  else await clock.pass(BETWEEN_LOOKS_MS);
  await world.untilAllStand();
  const until = clock.monotonic() + LONGEST_LOOK_MS;
  for (;;) {
    lostPacks.compareWith(world.index());
    const wrong = lostPacks.whatIsMistaken(world.index());
    if (wrong.length === 0 || clock.monotonic() > until) return wrong;
    await clock.sleep(LOOK_MS);
  }
}
