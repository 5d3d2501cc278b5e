import { HoldfastError } from '@holdfast/core/errors';
import type { Guest } from './shares.js';

/** A call's place among those that are served. */
export class Place {
  private readonly ending = new AbortController();
  private kept = false;

  constructor(
    readonly guest: Guest,
    /** Monotonic milliseconds. */
    readonly since: number,
    /** Gives it back. The call counts as its agent's until `rest` resolves: what its reader has not taken is held so long. */
    readonly leave: (rest?: Promise<void>) => void,
  ) {}

  /** Fires when it has to be given back, for others wait; its reason is a HoldfastError that is worth another try. */
  get signal(): AbortSignal {
    return this.ending.signal;
  }

  get mayBeTaken(): boolean {
    return !this.kept && !this.ending.signal.aborted;
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
        message: 'Others wait, and this call has had its turn: it waits for another, and goes on where it was.',
      }),
    );
  }
}
