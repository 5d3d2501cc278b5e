import type { Timers } from '@holdfast/core/clock';
import type { OpenVault } from './open-vault.js';

/** The names of all packs are read. */
const BETWEEN_LOOKS_MS = 6 * 3_600_000;

type Looked = Pick<OpenVault, 'missingPacks' | 'suspectPacks'>;

export interface LookPorts {
  readonly vaults: { all(): readonly Looked[] };
  readonly timers: Pick<Timers, 'sleep'>;
}

/**
 * Has the packs of all vaults looked at from time to time. A look at one vault may take hours, or for ever where its store hangs: no other waits for it,
 * nor does whoever ends this.
 */
export async function lookAtPacks({ vaults, timers }: LookPorts, signal: AbortSignal): Promise<void> {
  const underWay = new Set<Looked>();
  const look = async (vault: Looked): Promise<void> => {
    underWay.add(vault);
    await vault.missingPacks.look();
    await vault.suspectPacks.look();
    underWay.delete(vault);
  };
  for (;;) {
    await timers.sleep(BETWEEN_LOOKS_MS, signal);
    for (const vault of vaults.all()) if (!underWay.has(vault)) void look(vault);
  }
}
