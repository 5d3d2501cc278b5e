import type { Timers } from '@holdfast/core/clock';
import { HoldfastError } from '@holdfast/core/errors';

/** How long a person waits for a vault's store, which answers in milliseconds, or seconds when it is far away. */
export const PATIENCE_MS = 10_000;

/**
 * Reads of vaults' stores for people. Each waits so long and no longer. Once a store hung, one read at a time looks whether it still does,
 * and whoever else asks is told at once: they would only keep that person's other queries waiting. It spares people's time; the gateway spares its own threads
 * (`HangGuard`), and shares one answer among all who ask whether a store is there (`VaultLook`), which no two reads could.
 */
export class StorePatience {
  private readonly hanging = new Set<string>();
  private readonly asking = new Map<string, number>();

  constructor(private readonly timers: Pick<Timers, 'after'>) {}

  /** `read` is told when nobody waits any more. Throws Timeout, or Unavailable while the store hangs. */
  async wait<T>(vaultId: string, read: (over: AbortSignal) => Promise<T>): Promise<T> {
    const others = this.asking.get(vaultId) ?? 0;
    if (this.hanging.has(vaultId) && others > 0) throw hangs();
    this.asking.set(vaultId, others + 1);
    const over = new AbortController();
    const late = new Promise<never>((_, reject) =>
      over.signal.addEventListener('abort', () => reject(over.signal.reason as Error), { once: true }),
    );
    const cancel = this.timers.after(PATIENCE_MS, () => {
      this.hanging.add(vaultId);
      over.abort(tooLate());
    });
    try {
      const found = await Promise.race([read(over.signal), late]);
      this.hanging.delete(vaultId);
      return found;
    } finally {
      cancel();
      this.leave(vaultId);
    }
  }

  private leave(vaultId: string): void {
    const left = (this.asking.get(vaultId) ?? 1) - 1;
    if (left === 0) this.asking.delete(vaultId);
    else this.asking.set(vaultId, left);
  }
}

function tooLate(): HoldfastError {
  return new HoldfastError({
    kind: 'Timeout',
    code: 'STORE_TIMEOUT',
    message: `The vault's store did not answer within ${PATIENCE_MS / 1000} seconds.`,
  });
}

function hangs(): HoldfastError {
  return new HoldfastError({
    kind: 'Unavailable',
    code: 'STORE_HANGS',
    message: "The vault's store does not answer. Try again in a moment.",
  });
}
