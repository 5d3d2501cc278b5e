import type { Timers } from '@holdfast/core/clock';
import type { StoreSpace } from '@holdfast/core/engine';
import { asHoldfastError, HoldfastError } from '@holdfast/core/errors';
import { inTime, PATIENCE_MS } from './in-time.js';
import type { OpenVault } from './open-vault.js';
import { requireVaultIn } from './vault-in-store.js';
import type { VaultRegistry } from './vault-registry.js';

export type VaultService =
  | {
      readonly state: 'IN_SERVICE';
      readonly space?: StoreSpace | undefined;
      /** Packs that hold something of which the vault has no sound copy; undefined before they were counted. */
      readonly lostPacks?: number | undefined;
    }
  | { readonly state: 'STARTING' }
  | { readonly state: 'OUT_OF_SERVICE'; readonly failure: HoldfastError };

export interface VaultLookPorts {
  readonly vaults: Pick<VaultRegistry, 'standing'>;
  readonly timers: Timers;
}

/** Whether vaults are served now: one that is open is looked for in its store, whose disk may have gone since. */
export class VaultLook {
  private readonly services: StoreQuestions<VaultService>;
  private readonly spaces: StoreQuestions<StoreSpace | undefined>;

  constructor(private readonly ports: VaultLookPorts) {
    this.services = new StoreQuestions(ports.timers, outOfService(silent()));
    this.spaces = new StoreQuestions(ports.timers, undefined);
  }

  describe(vaultIds: readonly string[]): Promise<VaultService[]> {
    return Promise.all(vaultIds.map((vaultId) => this.describeOne(vaultId)));
  }

  private async describeOne(vaultId: string): Promise<VaultService> {
    const vault = this.ports.vaults.standing(vaultId);
    if (vault === undefined) return { state: 'STARTING' };
    if (vault instanceof HoldfastError) return outOfService(vault);
    const service = await this.services.ask(vaultId, () => lookInto(vault));
    if (service.state !== 'IN_SERVICE') return service;
    // Afterwards: a store that hangs holds one thread, not two.
    const space = await this.spaces.ask(vaultId, () => vault.store.space().catch(() => undefined));
    return { ...service, space, lostPacks: await vault.lostPacks.count() };
  }
}

/**
 * Questions to stores, each of which takes a thread: one that hangs is asked once, however many want to know, and nobody waits for long. All ask the same, so all
 * have the same answer; control's `StorePatience` is for reads of people that have nothing in common but the wait.
 */
class StoreQuestions<Answer> {
  private readonly open = new Map<string, Promise<Answer>>();

  constructor(
    private readonly timers: Timers,
    private readonly noAnswer: Answer,
  ) {}

  ask(vaultId: string, put: () => Promise<Answer>): Promise<Answer> {
    let question = this.open.get(vaultId);
    if (question === undefined) {
      question = put().finally(() => this.open.delete(vaultId));
      this.open.set(vaultId, question);
    }
    return inTime(this.timers, question, () => this.noAnswer);
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
