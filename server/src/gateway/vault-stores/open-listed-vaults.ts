import type { Timers } from '@holdfast/core/clock';
import { isHoldfastError } from '@holdfast/core/errors';
import type { Log } from '../../platform/telemetry/log.js';
import type { Coordination, VaultStoreRef } from '../coordination/coordination.js';
import { reconcilePoints } from './reconcile-points.js';
import type { VaultRegistry } from './vault-registry.js';

const FIRST_WAIT_MS = 250;
const LONGEST_WAIT_MS = 15_000;

export interface OpenListedVaultsPorts {
  readonly coordination: Pick<Coordination, 'listVaultStores' | 'reconcilePoints'>;
  readonly vaults: VaultRegistry;
  readonly timers: Timers;
  readonly log: Log;
}

/**
 * At start: asks control which vaults this gateway serves, opens each, and settles their points. Repeats
 * what fails, because control may still be starting and a disk may be mounted late.
 */
export async function openListedVaults(ports: OpenListedVaultsPorts, signal: AbortSignal): Promise<void> {
  const listed = await untilItWorks(ports, signal, 'vaults.list_failed', () => ports.coordination.listVaultStores());
  ports.vaults.expect(listed);
  await Promise.all(
    listed.map((ref) =>
      untilItWorks(ports, signal, 'vault.open_failed', () => openOne(ports, ref), { vaultId: ref.vaultId }),
    ),
  );
}

async function openOne({ vaults, coordination, log }: OpenListedVaultsPorts, ref: VaultStoreRef): Promise<void> {
  await reconcilePoints(await vaults.open(ref), coordination, log);
}

async function untilItWorks<T>(
  ports: OpenListedVaultsPorts,
  signal: AbortSignal,
  event: string,
  work: () => Promise<T>,
  facts: object = {},
): Promise<T> {
  for (let waitMs = FIRST_WAIT_MS; ; waitMs = Math.min(waitMs * 2, LONGEST_WAIT_MS)) {
    try {
      signal.throwIfAborted();
      return await work();
    } catch (error) {
      if (signal.aborted) throw error;
      const reason = isHoldfastError(error) ? { code: error.code, reason: error.message } : { err: error };
      ports.log.warn({ ...facts, ...reason, waitMs }, event);
      await ports.timers.sleep(waitMs, signal);
    }
  }
}
