import type { Timers } from '@holdfast/core/clock';
import { HoldfastError } from '@holdfast/core/errors';
import type { Admission } from '../../server/src/gateway/admission.js';
import type { SeededChance } from '../kit/seeded-chance.js';
import type { Life } from './life.js';

const LONGEST_AWAY_MS = 10_000;
const LONGEST_STAY_MS = 40_000;

export interface NeighbourPorts {
  readonly timers: Timers;
  readonly chance: SeededChance;
  readonly vaultId: string;
  readonly gateway: () => { readonly life: Life; readonly core: { readonly uploads: Admission } } | undefined;
}

/** Other agents of the vault, as far as places for uploads go: each comes, waits for one, has it for a while or until others want it, and comes again. */
export class Neighbours {
  private readonly leaving = new AbortController();

  constructor(private readonly ports: NeighbourPorts) {}

  come(count: number): void {
    for (let neighbour = 0; neighbour < count; neighbour++) void this.comeAndGo(`neighbour-${neighbour}`);
  }

  /** None comes again. */
  leave(): void {
    this.leaving.abort(gone());
  }

  private async comeAndGo(key: string): Promise<void> {
    const { chance, gateway } = this.ports;
    const { signal } = this.leaving;
    while (!signal.aborted) {
      await this.wait(chance.below(LONGEST_AWAY_MS), signal);
      const at = gateway();
      if (at !== undefined && !signal.aborted) await at.life.live(() => this.visit(key, at));
    }
  }

  private async visit(key: string, { life, core }: NonNullable<ReturnType<NeighbourPorts['gateway']>>): Promise<void> {
    const died = new AbortController();
    life.onEnd(() => died.abort(gone()));
    const over = AbortSignal.any([this.leaving.signal, died.signal]);
    const place = await core.uploads.enter({ group: this.ports.vaultId, key }, over).catch(() => undefined);
    if (place === undefined) return;
    await this.wait(this.ports.chance.below(LONGEST_STAY_MS), AbortSignal.any([over, place.signal]));
    place.leave();
  }

  private async wait(ms: number, signal: AbortSignal): Promise<void> {
    await this.ports.timers.sleep(ms, signal).catch(() => undefined);
  }
}

function gone(): HoldfastError {
  return new HoldfastError({ kind: 'Cancelled', code: 'CALLER_GONE', message: 'The caller has gone.' });
}
