import { PackKind } from '@holdfast/core/engine';
import type { ChunkIndex, Copy, Pack, StoredFrame } from '../chunk-index/chunk-index.js';
import { CopySet } from '../chunk-index/copy-set.js';
import { isVerified, stands } from '../chunk-index/copy-state.js';
import type { GatewayLimits } from '../limits.js';
import type { Turns } from '../turn.js';
import type { FrameVerdicts } from './frame-verdicts.js';
import type { Patience } from './patience.js';

const ID_BYTES = 32;

/** Frames of a pack that somebody waits for, by their first copy. */
export interface WantedFrames {
  readonly pack: Pack;
  readonly frames: ReadonlySet<number>;
  /** Of plaintext in these frames. */
  readonly bytes: number;
}

export interface CollectPorts {
  readonly index: ChunkIndex;
  readonly limits: Pick<GatewayLimits, 'maxPacksVerifiedPerQuestion' | 'maxEdgesPerQuestion'>;
  readonly turns: Turns;
  readonly verdicts: Pick<FrameVerdicts, 'leftOf'>;
  readonly patience: Pick<Patience, 'isSlow'>;
}

/** What has to be verified so that these copies of a domain count: walks from them down the edges that have no verified copy yet. */
export async function collectUnverified(
  { index, limits, turns, verdicts, patience }: CollectPorts,
  copies: readonly Copy[],
  domainId: string,
  gone: AbortSignal,
): Promise<{ packs: WantedFrames[]; nodes: number[] }> {
  const packs = new Map<number, { readonly pack: Pack; readonly copies: Set<number> }>();
  const nodes: number[] = [];
  const seen = new CopySet();
  const stack = [...copies];
  const worth = (copy: Copy): number => {
    if (!stands(copy.state) || !isInDomain(index, copy, domainId)) return 0;
    return isVerified(copy.state) ? 2 : 1;
  };
  let edgesLeft = limits.maxEdgesPerQuestion;
  const turn = turns.of(domainId);
  for (let copy = stack.pop(); copy !== undefined; copy = stack.pop()) {
    await turn.pass();
    gone.throwIfAborted();
    if (seen.has(copy.number) || worth(copy) !== 1) continue;
    seen.add(copy.number);
    const pack = index.packByNumber(copy.pack);
    if (!pack.checked) {
      const wanted = packs.get(pack.number);
      if (wanted !== undefined) wanted.copies.add(copy.number);
      else if (packs.size < limits.maxPacksVerifiedPerQuestion && !patience.isSlow(pack.uploaderId))
        packs.set(pack.number, { pack, copies: new Set([copy.number]) });
      else continue;
    }
    if (pack.kind !== PackKind.PACK_KIND_NODE) continue;
    const edges = index.edgesOf(copy.number);
    edgesLeft -= edges.length / ID_BYTES;
    if (edgesLeft < 0) break;
    nodes.push(copy.number);
    for (const below of index.lookup(edges, worth))
      if (!below.some((each) => isVerified(each.state))) stack.push(...below);
  }
  const wanted: WantedFrames[] = [];
  for (const { pack, copies: ofPack } of packs.values()) {
    await turn.pass();
    gone.throwIfAborted();
    wanted.push({ pack, ...framesWith(verdicts.leftOf(pack), ofPack) });
  }
  return { packs: wanted, nodes };
}

export function isInDomain(index: Pick<ChunkIndex, 'packByNumber'>, copy: Copy, domainId: string): boolean {
  return index.packByNumber(copy.pack).domainId === domainId;
}

function framesWith(left: readonly StoredFrame[], copies: ReadonlySet<number>): Omit<WantedFrames, 'pack'> {
  const frames = new Set<number>();
  let bytes = 0;
  for (const { firstCopy, chunkIds, plainLength } of left) {
    let copy = firstCopy;
    const end = firstCopy + chunkIds.length / ID_BYTES;
    while (copy < end && !copies.has(copy)) copy++;
    if (copy === end) continue;
    frames.add(firstCopy);
    bytes += plainLength;
  }
  return { frames, bytes };
}
