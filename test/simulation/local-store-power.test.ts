import { type LocalStore, openLocalStore } from '@holdfast/core/engine';
import { seededRandom } from '@holdfast/core/ids';
import { describe, expect, it } from 'vitest';
import { SeededChance } from '../kit/seeded-chance.js';
import { SimulatedDisk } from './simulated-disk.js';

const SEEDS = 60;

/** The disk as a cut at one moment left it, and what had been promised by then. */
interface Cut {
  readonly disk: SimulatedDisk;
  readonly promised: ReadonlyMap<string, Buffer>;
  readonly after: string;
}

const contentOf = (name: string): Buffer => Buffer.alloc(9_000, name);

function open(disk: SimulatedDisk, seed: string): Promise<LocalStore> {
  return openLocalStore({ root: disk.root, owner: 'test', random: seededRandom(seed), create: false, calls: disk });
}

/** Writers side by side, in processes that die with what they are at; at every change of the disk the power is cut, in a few ways. */
async function cutEverywhere(seed: string): Promise<Cut[]> {
  const chance = new SeededChance(seed);
  const disk = new SimulatedDisk();
  const promised = new Map<string, Buffer>();
  const cuts: Cut[] = [];
  disk.changed = ({ call, path }) => {
    for (const survives of [() => false, () => chance.below(2) === 0])
      cuts.push({ disk: disk.afterPowerCut(survives), promised: new Map(promised), after: `${call} ${path}` });
  };
  const names = Array.from({ length: 4 }, () => chance.pick(['pack/', 'pack/', 'index/', 'point/', 'pack/ab'])).map(
    (folder, place) => `${folder}${chance.pick(['aa', 'ab'])}${place}`,
  );
  for (let life = 0; life < 3; life++) {
    let dies = life === 2 ? Number.POSITIVE_INFINITY : 1 + chance.below(30);
    const store = await open(disk, `${seed} ${life}`);
    disk.fault = () => (dies-- <= 0 ? 'EIO' : undefined);
    await Promise.all(
      names.map(async (name) => {
        try {
          await store.put(name, contentOf(name), { ifAbsent: true });
          promised.set(name, contentOf(name));
        } catch {
          // This process is as good as dead; the next one puts it again.
        }
      }),
    );
    disk.fault = () => undefined;
  }
  return cuts;
}

describe('a local store whose power is cut', () => {
  it(`keeps every object that it has promised, and no part of one, wherever it is cut, over ${SEEDS} seeds`, async () => {
    let checked = 0;
    for (let seed = 0; seed < SEEDS; seed++) {
      for (const { disk, promised, after } of await cutEverywhere(`power/${seed}`)) {
        const store = await open(disk, 'after');
        const there = new Map<string, Buffer>();
        for await (const { name } of store.list('')) there.set(name, await store.get(name));
        const where = `seed power/${seed}, cut after ${after}`;
        for (const name of promised.keys()) if (!there.has(name)) expect.fail(`${name} is lost: ${where}`);
        for (const [name, bytes] of there) if (!bytes.equals(contentOf(name))) expect.fail(`${name} is torn: ${where}`);
        checked += promised.size;
      }
    }
    expect(checked).toBeGreaterThan(SEEDS * 50);
  });
});
