import type { ChunkIndex, Copy } from './chunk-index.js';

const ID_BYTES = 32;

/**
 * Which of these nodes settle: all their edges do, be it by a copy that `settles` already or by
 * another of these nodes that settles. Each edge is looked at once, in whatever order the nodes come,
 * so nobody can make this slow by the order in which nodes were sent.
 */
export function settleUpwards(
  index: Pick<ChunkIndex, 'lookup' | 'edgesOf' | 'chunkIdOf'>,
  nodes: readonly number[],
  settles: (copy: Copy) => boolean,
): number[] {
  const settled: number[] = [];
  const missing = new Map<number, number>();
  const waitingFor = new Map<string, number[]>();
  const ready: number[] = [];
  for (const node of nodes) {
    const edges = index.edgesOf(node);
    let count = 0;
    for (const [place, copies] of index.lookup(edges, (copy) => (settles(copy) ? 1 : 0)).entries()) {
      if (copies.length > 0) continue;
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
