import { PackKind } from '@holdfast/core/engine';
import type { ChunkIndex, Copy } from '../chunk-index/chunk-index.js';
import { CLOSED, isVerified, stands } from '../chunk-index/copy-state.js';
import type { Session } from './session.js';

type Asker = Pick<Session, 'agentId' | 'domainId' | 'doubted'> & { readonly vault: { readonly index: ChunkIndex } };

/**
 * A copy counts for an agent if control verified it, or if that agent uploaded it; and then a node only
 * when it is closed. An unclosed node may point at what its uploader never had: a guess, or a child
 * that a cut connection lost.
 */
export function countsFor(asker: Asker, copy: Copy): boolean {
  if (!standsFor(asker, copy)) return false;
  const { index } = asker.vault;
  const pack = index.packByNumber(copy.pack);
  if (pack.domainId !== asker.domainId) return false;
  if (isVerified(copy.state)) return true;
  if (pack.uploaderId !== asker.agentId || index.isVoided(asker.agentId)) return false;
  return pack.kind === PackKind.PACK_KIND_DATA || (copy.state & CLOSED) !== 0;
}

/** Of this agent, and would count if it were closed. */
export function isLeftOpen(asker: Asker, copy: Copy): boolean {
  if (!standsFor(asker, copy) || (copy.state & CLOSED) !== 0) return false;
  const { index } = asker.vault;
  const pack = index.packByNumber(copy.pack);
  if (pack.kind !== PackKind.PACK_KIND_NODE || pack.domainId !== asker.domainId) return false;
  return pack.uploaderId === asker.agentId && !index.isVoided(asker.agentId);
}

/** Might count once control has verified it. */
export function mayComeToCount(asker: Asker, copy: Copy): boolean {
  if (!standsFor(asker, copy) || isVerified(copy.state)) return false;
  const { index } = asker.vault;
  const pack = index.packByNumber(copy.pack);
  if (pack.domainId !== asker.domainId || pack.uploaderId === asker.agentId || index.isVoided(pack.uploaderId))
    return false;
  return pack.kind === PackKind.PACK_KIND_DATA || (copy.state & CLOSED) !== 0;
}

function standsFor({ doubted }: Asker, copy: Copy): boolean {
  return stands(copy.state) && !doubted.has(copy.number);
}
