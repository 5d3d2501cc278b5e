import type { Pace } from '../../platform/pace.js';
import type { Log } from '../../platform/telemetry/log.js';
import type { Copy } from '../chunk-index/chunk-index.js';
import type { Session } from './session.js';

export interface ComplaintPorts {
  readonly secondLooks: Pick<Pace, 'allows'>;
  readonly log: Log;
}

/**
 * A restore's agent says that these copies are of no use, and their stored bytes are what came. Either they never were what they say, or that agent reads what
 * others do not, or it lies. Control looks at them once more, and what it does not open counts for nobody. What control does open, it opened before:
 * so meanwhile and after, the copies count for no new backup of that agent, nor, unless it uploaded them itself, of the one that made the point; the next
 * full backup of either sends its own. For all others they go on counting, whatever is said of them.
 */
export function hearComplaint({ secondLooks, log }: ComplaintPorts, session: Session, copies: readonly Copy[]): void {
  if (copies.length === 0) return;
  const { agentId, grant, vault } = session;
  const { index, verification } = vault;
  const packs = new Map(copies.map((copy) => [copy.pack, index.packByNumber(copy.pack)]));
  const numbersOf = (those: readonly Copy[]): number[] => those.map(({ number }) => number);
  index.doubt(agentId, numbersOf(copies));
  const { sourceAgentId } = grant;
  const ofOthers = copies.filter((copy) => packs.get(copy.pack)?.uploaderId !== sourceAgentId);
  if (sourceAgentId !== undefined && ofOthers.length > 0) index.doubt(sourceAgentId, numbersOf(ofOthers));
  for (const pack of packs.values()) {
    if (verification.hasLookedAgain(pack) || !secondLooks.allows(agentId)) continue;
    log.warn({ vaultId: vault.vaultId, packId: pack.id, agentId }, 'copy.doubted');
    void verification.lookAgain(pack);
  }
}
