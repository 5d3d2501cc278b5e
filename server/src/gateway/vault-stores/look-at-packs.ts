import type { Timers } from '@holdfast/core/clock';
import type { Log } from '../../platform/telemetry/log.js';
import type { OpenVault } from './open-vault.js';

/** The names of all packs are read. */
const BETWEEN_LOOKS_MS = 6 * 3_600_000;

type Looked = Pick<OpenVault, 'vaultId' | 'missingPacks' | 'suspectPacks'>;

export interface LookPorts {
  readonly vaults: { all(): readonly Looked[] };
  readonly timers: Pick<Timers, 'sleep'>;
  readonly log: Log;
}

/**
 * Has the packs of all vaults looked at from time to time. A look at one vault may take hours, or for ever where its store hangs: no other waits for it,
 * nor does whoever ends this, and none is begun beside it.
 */
export async function lookAtPacks({ vaults, timers, log }: LookPorts, signal: AbortSignal): Promise<void> {
  const underWay = new Set<Looked>();
  const look = async (vault: Looked): Promise<void> => {
    underWay.add(vault);
    await vault.missingPacks.look();
    await vault.suspectPacks.look();
    underWay.delete(vault);
  };
  for (;;) {
    await timers.sleep(BETWEEN_LOOKS_MS, signal);
    for (const vault of vaults.all())
      if (underWay.has(vault)) log.warn({ vaultId: vault.vaultId }, 'vault.look_still_under_way');
      else void look(vault);
  }
}
