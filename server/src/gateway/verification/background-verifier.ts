import type { Clock, Timers } from '@holdfast/core/clock';
import { isHoldfastError } from '@holdfast/core/errors';
import type { Pack } from '../chunk-index/chunk-index.js';
import type { OpenVault } from '../vault-stores/open-vault.js';

const IDLE_MS = 30_000;
const RETRY_MS = 30_000;
const POLITE_MS = 1_000;
/** However busy the gateway is, one pack is verified at least so often. */
const LONGEST_WAIT_MS = 60_000;

export interface BackgroundVerifierPorts {
  readonly vaults: { all(): OpenVault[] };
  /** Sessions are uploading or reading right now. */
  readonly isBusy: () => boolean;
  readonly clock: Clock;
  readonly timers: Timers;
}

/** After commits, has packs that several agents may share verified one at a time while nobody needs the gateway, so that questions find verdicts. */
export class BackgroundVerifier {
  private wakeUp: (() => void) | undefined;
  /** Vaults take turns: one with very many packs keeps no other from being verified. */
  private lastVaultId: string | undefined;

  constructor(private readonly ports: BackgroundVerifierPorts) {}

  wake(): void {
    this.wakeUp?.();
  }

  /** Works until the signal fires. */
  async run(signal: AbortSignal): Promise<void> {
    try {
      while (!signal.aborted) {
        const next = await this.next();
        if (next === undefined) {
          await this.rest(signal);
          continue;
        }
        await this.waitForQuiet(signal);
        const answered = await next.vault.verification.verifyPack(next.pack);
        if (!answered) await this.ports.timers.sleep(RETRY_MS, signal);
      }
    } catch (error) {
      if (!isHoldfastError(error, 'Cancelled')) throw error;
    }
  }

  private async next(): Promise<{ vault: OpenVault; pack: Pack } | undefined> {
    const vaults = this.ports.vaults.all();
    const after = vaults.findIndex(({ vaultId }) => vaultId === this.lastVaultId) + 1;
    for (const vault of [...vaults.slice(after), ...vaults.slice(0, after)]) {
      const pack = await vault.verification.nextUnchecked();
      if (!pack) continue;
      this.lastVaultId = vault.vaultId;
      return { vault, pack };
    }
    return undefined;
  }

  private async waitForQuiet(signal: AbortSignal): Promise<void> {
    const until = this.ports.clock.monotonic() + LONGEST_WAIT_MS;
    while (this.ports.isBusy() && this.ports.clock.monotonic() < until)
      await this.ports.timers.sleep(POLITE_MS, signal);
  }

  private async rest(signal: AbortSignal): Promise<void> {
    const woken = new AbortController();
    this.wakeUp = () => woken.abort();
    try {
      await this.ports.timers.sleep(IDLE_MS, AbortSignal.any([signal, woken.signal]));
    } catch (error) {
      if (signal.aborted || !woken.signal.aborted) throw error;
    } finally {
      this.wakeUp = undefined;
    }
  }
}
