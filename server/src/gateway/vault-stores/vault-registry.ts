import type { Clock, Timers } from '@holdfast/core/clock';
import type { ObjectStore } from '@holdfast/core/engine';
import { asHoldfastError, HoldfastError } from '@holdfast/core/errors';
import type { IncidentRelay } from '../../platform/incidents/incident-relay.js';
import type { Log } from '../../platform/telemetry/log.js';
import type { ChunkIndex } from '../chunk-index/chunk-index.js';
import type { Coordination, VaultStoreRef } from '../coordination/coordination.js';
import type { GatewayLimits } from '../limits.js';
import type { Turns } from '../turn.js';
import { CopyVerification } from '../verification/copy-verification.js';
import type { VerifyQueue } from '../verification/verify-queue.js';
import { HangGuard } from './hang-guard.js';
import { IndexObjects } from './index-objects.js';
import { LostPacks } from './lost-packs.js';
import { MissingPacks } from './missing-packs.js';
import type { StoreOpener } from './open-store.js';
import type { OpenVault } from './open-vault.js';
import { settleVault } from './settle-vault.js';
import { SuspectPacks } from './suspect-packs.js';

export interface VaultRegistryPorts {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly openStore: StoreOpener;
  readonly openIndex: (vaultId: string) => ChunkIndex;
  readonly coordination: Pick<Coordination, 'verifyFrames'>;
  readonly verifyQueue: VerifyQueue;
  readonly limits: GatewayLimits;
  readonly incidents: Pick<IncidentRelay, 'report'>;
  readonly turns: Turns;
  /** Whether agents upload or restore right now. */
  readonly isBusy: () => boolean;
  readonly log: Log;
}

/** The vaults that this gateway has open. One that fails to open is tried again at its next use. */
export class VaultRegistry {
  private readonly vaults = new Map<string, Promise<OpenVault>>();
  private readonly opened = new Map<string, OpenVault>();
  /** Why those are not open that could not be opened when that was last tried. */
  private readonly failures = new Map<string, HoldfastError>();
  private expected: readonly VaultStoreRef[] | undefined;

  constructor(private readonly ports: VaultRegistryPorts) {}

  all(): OpenVault[] {
    return [...this.opened.values()];
  }

  /** Every vault that control listed is open. */
  get complete(): boolean {
    return this.expected?.every(({ vaultId }) => this.opened.has(vaultId)) ?? false;
  }

  /** The vault, or why it could not be opened when that was last tried; undefined while it is opened for the first time. */
  standing(vaultId: string): OpenVault | HoldfastError | undefined {
    return this.opened.get(vaultId) ?? this.failures.get(vaultId);
  }

  /** What control said that this gateway serves. */
  expect(refs: readonly VaultStoreRef[]): void {
    this.expected = refs;
  }

  /** With `create`, the folder of a vault that never held anything is made. */
  async open(ref: VaultStoreRef, options: { readonly create?: boolean } = {}): Promise<OpenVault> {
    const create = options.create === true;
    // Who opens it already may have no leave to make its folder.
    if (create) await this.vaults.get(ref.vaultId)?.catch(() => undefined);
    let opening = this.vaults.get(ref.vaultId);
    if (opening === undefined) {
      opening = this.openNow(ref, create);
      this.vaults.set(ref.vaultId, opening);
      opening.catch((thrown: unknown) => {
        this.vaults.delete(ref.vaultId);
        this.failures.set(ref.vaultId, asHoldfastError(thrown));
      });
    }
    const vault = await opening;
    if (vault.storeUrl !== ref.storeUrl) {
      throw new HoldfastError({
        kind: 'IllegalState',
        code: 'STORE_MOVED',
        message: 'The vault is open at another place: restart the gateway after moving a store.',
      });
    }
    return vault;
  }

  close(): void {
    for (const { missingPacks, suspectPacks, index } of this.opened.values()) {
      missingPacks.stop();
      suspectPacks.stop();
      index.close();
    }
    this.opened.clear();
    this.vaults.clear();
  }

  private async openNow(ref: VaultStoreRef, create: boolean): Promise<OpenVault> {
    const { ports } = this;
    const index = ports.openIndex(ref.vaultId);
    try {
      // An index that knows something belongs to a store that exists: a missing folder is a missing disk.
      const opened = await ports.openStore(ref.storeUrl, { create: create && index.isNew() });
      const store = new HangGuard(opened, { ...ports, vaultId: ref.vaultId });
      await settleVault(ref.vaultId, store, index, { log: ports.log, turn: ports.turns.of(ref.vaultId) });
      // Not before: a vault whose store is away is tried again and again.
      index.readEntries();
      const vault = this.assemble(ref, store, index);
      this.opened.set(ref.vaultId, vault);
      this.failures.delete(ref.vaultId);
      void vault.suspectPacks.look();
      return vault;
    } catch (error) {
      index.close();
      throw error;
    }
  }

  private assemble(ref: VaultStoreRef, store: ObjectStore, index: ChunkIndex): OpenVault {
    const { coordination, verifyQueue, limits, incidents, turns, isBusy, clock, timers, log } = this.ports;
    const { vaultId } = ref;
    const looks = { turns, isBusy, clock, timers, log };
    const verification = new CopyVerification({
      ...{ vaultId, index, coordination, limits, incidents, turns, clock, timers, log },
      queue: verifyQueue,
    });
    return {
      ...ref,
      store,
      index,
      verification,
      indexObjects: new IndexObjects(vaultId, store, index),
      lostPacks: new LostPacks({ vaultId, index }, looks),
      missingPacks: new MissingPacks({ vaultId, store, index }, looks),
      suspectPacks: new SuspectPacks(
        { vaultId, store, index },
        { ...looks, onCleared: (pack) => verification.reconsider(pack) },
      ),
    };
  }
}
