import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Copy, Worth } from './chunk-index.js';
import { settleUpwards } from './settle-upwards.js';

const idOf = (number: number): Buffer => Buffer.alloc(32, `${number}/`);
const SETTLED = 1;

/** A graph in memory: `edges[n]` are the chunks below node n; copies of a chunk beyond the graph are settled or absent. */
function graph(edges: readonly (readonly number[])[], beyond: ReadonlyMap<number, boolean>) {
  let looked = 0;
  const copiesOf = (chunk: number): Copy[] => {
    if (chunk < edges.length) return [{ number: chunk, pack: 0, state: 0 }];
    return beyond.get(chunk) ? [{ number: chunk, pack: 0, state: SETTLED }] : [];
  };
  const byId = new Map(Array.from({ length: 60 }, (_, chunk) => [idOf(chunk).toString('hex'), chunk]));
  return {
    looked: () => looked,
    index: {
      chunkIdOf: idOf,
      edgesOf: (node: number) => Buffer.concat((edges[node] ?? []).map(idOf)),
      lookup: (ids: Buffer, worth: Worth = () => 1) =>
        Array.from({ length: ids.length / 32 }, (_, place) => {
          looked += 1;
          const chunk = byId.get(ids.subarray(place * 32, place * 32 + 32).toString('hex')) as number;
          return copiesOf(chunk).filter((copy) => worth(copy) > 0);
        }),
    },
  };
}

/** The plain definition, slowly. */
function settledSlowly(edges: readonly (readonly number[])[], beyond: ReadonlyMap<number, boolean>): number[] {
  const settled = new Set<number>();
  for (let before = -1; before !== settled.size; ) {
    before = settled.size;
    edges.forEach((below, node) => {
      if (below.every((chunk) => (chunk < edges.length ? settled.has(chunk) : beyond.get(chunk) === true)))
        settled.add(node);
    });
  }
  return [...settled].sort((a, b) => a - b);
}

// Edges lead to later nodes only, as hashes form no circle; 40 to 49 lie beyond the graph, some of them settled.
const world = fc.integer({ min: 0, max: 12 }).chain((size) =>
  fc.record({
    edges: fc.tuple(
      ...Array.from({ length: size }, (_, node) => {
        const later = Array.from({ length: size - node - 1 }, (_, place) => node + 1 + place);
        return fc.subarray([...later, ...Array.from({ length: 10 }, (_, place) => 40 + place)], { maxLength: 4 });
      }),
    ),
    beyond: fc.array(fc.boolean(), { minLength: 10, maxLength: 10 }),
    order: fc.shuffledSubarray(
      Array.from({ length: size }, (_, node) => node),
      { minLength: size },
    ),
  }),
);

describe('settling upwards', () => {
  it('finds what the plain definition finds, in any order of nodes, looking at each edge once', async () => {
    await fc.assert(
      fc.asyncProperty(world, async ({ edges, beyond, order }) => {
        const outside = new Map(beyond.map((settled, place) => [40 + place, settled]));
        const { index, looked } = graph(edges, outside);
        const found = await settleUpwards(index, order, (copy) => copy.state === SETTLED, {
          pass: async () => undefined,
        });
        expect(found.sort((a, b) => a - b)).toEqual(settledSlowly(edges, outside));
        expect(looked()).toBe(edges.flat().length);
      }),
    );
  });
});
