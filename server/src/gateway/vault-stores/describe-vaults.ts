import type { Timers } from '@holdfast/core/clock';
import { asHoldfastError, HoldfastError } from '@holdfast/core/errors';
import type { OpenVault } from './open-vault.js';
import { requireVaultIn } from './vault-in-store.js';
import type { VaultRegistry } from './vault-registry.js';

/** A store that says nothing for so long is of no use to anybody who waits for its vault. */
const PATIENCE_MS = 2_000;

export type VaultService =
  | { readonly state: 'IN_SERVICE' | 'STARTING' }
  | { readonly state: 'OUT_OF_SERVICE'; readonly failure: HoldfastError };

export interface VaultLookPorts {
  readonly vaults: Pick<VaultRegistry, 'standing'>;
  readonly timers: Timers;
}

/**
 * Whether vaults are served now: one that is open is looked for in its store, whose disk may have gone since.
 * A store that hangs is asked once, however many want to know, for each question takes a thread.
 */
export class VaultLook {
  private readonly questions = new Map<string, Promise<VaultService>>();

  constructor(private readonly ports: VaultLookPorts) {}

  describe(vaultIds: readonly string[]): Promise<VaultService[]> {
    return Promise.all(vaultIds.map((vaultId) => this.describeOne(vaultId)));
  }

  private async describeOne(vaultId: string): Promise<VaultService> {
    const vault = this.ports.vaults.standing(vaultId);
    if (vault === undefined) return { state: 'STARTING' };
    if (vault instanceof HoldfastError) return { state: 'OUT_OF_SERVICE', failure: vault };
    let question = this.questions.get(vaultId);
    if (question === undefined) {
      question = lookInto(vault).finally(() => this.questions.delete(vaultId));
      this.questions.set(vaultId, question);
    }
    return this.inTime(question);
  }

  private inTime(question: Promise<VaultService>): Promise<VaultService> {
    return new Promise((resolve) => {
      const stop = this.ports.timers.after(PATIENCE_MS, () => resolve(outOfService(silent())));
      void question.then((service) => {
        stop();
        resolve(service);
      });
    });
  }
}

async function lookInto({ store }: OpenVault): Promise<VaultService> {
  try {
    await requireVaultIn(store);
    return { state: 'IN_SERVICE' };
  } catch (thrown) {
    return outOfService(asHoldfastError(thrown));
  }
}

function outOfService(failure: HoldfastError): VaultService {
  return { state: 'OUT_OF_SERVICE', failure };
}

function silent(): HoldfastError {
  return new HoldfastError({
    kind: 'Timeout',
    code: 'STORE_SILENT',
    message: `The store has not answered for ${PATIENCE_MS / 1_000} seconds: its disk or network file system hangs.`,
  });
}
