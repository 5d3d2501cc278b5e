import type { Clock } from '@holdfast/core/clock';
import { HoldfastError } from '@holdfast/core/errors';

/** Who a place is for. */
export interface Guest {
  /** The vault: places are shared by vaults first, for an attacker may hold many of one tenant's certificates. */
  readonly group: string;
  /** The agent. */
  readonly key: string;
}

/** A call's place among those that are served, and how fast it moves. */
export class Place {
  readonly since: number;
  private readonly ending = new AbortController();
  private windowAt: number;
  private windowBytes = 0;
  /** Of the last whole window; nothing is known against a place that is younger. */
  private rateBefore = Number.POSITIVE_INFINITY;
  private kept = false;

  constructor(
    readonly guest: Guest,
    private readonly clock: Clock,
    private readonly windowMs: number,
    /** Gives it back. The call counts as its agent's until `rest` resolves: what its reader has not taken is held so long. */
    readonly leave: (rest?: Promise<void>) => void,
  ) {
    this.since = clock.monotonic();
    this.windowAt = this.since;
  }

  /** Fires when it has to be given back, for others wait; its reason is a HoldfastError that is worth another try. */
  get signal(): AbortSignal {
    return this.ending.signal;
  }

  get mayBeTaken(): boolean {
    return !this.kept && !this.ending.signal.aborted;
  }

  /** So many bytes came, or were taken. */
  moved(bytes: number): void {
    if (this.windowAge >= this.windowMs) {
      this.rateBefore = this.rate;
      this.windowAt = this.clock.monotonic();
      this.windowBytes = 0;
    }
    this.windowBytes += bytes;
  }

  /** Bytes per second. */
  get rate(): number {
    return this.windowAge >= this.windowMs ? (this.windowBytes * 1000) / this.windowAge : this.rateBefore;
  }

  /** All has come: what is left is the server's own work, and is brought to its end. */
  keep(): void {
    this.kept = true;
  }

  take(): void {
    this.ending.abort(
      new HoldfastError({
        kind: 'RateLimited',
        code: 'PLACE_GIVEN_UP',
        message: 'Others wait, and this call has moved little or its agent has more places than they: it waits again.',
      }),
    );
  }

  private get windowAge(): number {
    return this.clock.monotonic() - this.windowAt;
  }
}
