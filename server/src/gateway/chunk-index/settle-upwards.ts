import type { Turn } from '../turn.js';
import type { ChunkIndex, Copy } from './chunk-index.js';

const ID_BYTES = 32;

/**
 * Which of these nodes settle: all their edges do, be it by a copy that `settles` already or by
 * another of these nodes that settles. Each edge is looked at once, in whatever order the nodes come,
 * so nobody can make this slow by the order in which nodes were sent. Only edges to others of these nodes
 * are remembered: a node with any other that does not settle is out of the question.
 */
export async function settleUpwards(
  index: Pick<ChunkIndex, 'lookup' | 'edgesOf' | 'chunkIdOf'>,
  nodes: readonly number[],
  settles: (copy: Copy) => boolean,
  turn: Pick<Turn, 'pass'>,
): Promise<number[]> {
  const settled: number[] = [];
  const missing = new Map<number, number>();
  const waitingFor = new Map<string, number[]>();
  const ready: number[] = [];
  const among = new Set(nodes);
  const worth = (copy: Copy): number => (settles(copy) ? 2 : Number(among.has(copy.number)));
  for (const node of nodes) {
    await turn.pass();
    const edges = index.edgesOf(node);
    const found = index.lookup(edges, worth);
    if (found.some((copies) => copies.length === 0)) continue;
    let count = 0;
    for (const [place, copies] of found.entries()) {
      if (copies.some(settles)) continue;
      const id = edges.toString('latin1', place * ID_BYTES, (place + 1) * ID_BYTES);
      const waiting = waitingFor.get(id);
      if (waiting) waiting.push(node);
      else waitingFor.set(id, [node]);
      count += 1;
    }
    if (count === 0) ready.push(node);
    else missing.set(node, count);
  }
  for (let node = ready.pop(); node !== undefined; node = ready.pop()) {
    await turn.pass();
    settled.push(node);
    const id = index.chunkIdOf(node).toString('latin1');
    for (const above of waitingFor.get(id) ?? []) {
      const left = (missing.get(above) ?? 0) - 1;
      missing.set(above, left);
      if (left === 0) ready.push(above);
    }
    // A second copy of the same chunk settles nothing anew.
    waitingFor.delete(id);
  }
  return settled;
}
