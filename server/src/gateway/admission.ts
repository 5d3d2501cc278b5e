import { asHoldfastError, HoldfastError } from '@holdfast/core/errors';

export interface AdmissionLimits {
  /** Inside at a time, of all together. */
  readonly places: number;
  /** Waiting at a time, of all together. */
  readonly queue: number;
  /** Inside or waiting, of one key. */
  readonly perKey: number;
}

/** Lets so many in at a time; others wait in the order in which they came. No key can take all places. */
export class Admission {
  private inside = 0;
  private readonly waiting: (() => void)[] = [];
  private readonly byKey = new Map<string, number>();

  constructor(private readonly limits: AdmissionLimits) {}

  /** Resolves with the function that gives the place back. Throws RateLimited when there is no room to wait, or what the signal says. */
  async enter(key: string, signal: AbortSignal): Promise<() => void> {
    signal.throwIfAborted();
    const own = this.byKey.get(key) ?? 0;
    if (own >= this.limits.perKey)
      throw full(`One agent may have ${this.limits.perKey} of these calls under way at a time.`);
    this.byKey.set(key, own + 1);
    try {
      if (this.inside < this.limits.places) this.inside += 1;
      else await this.wait(signal);
    } catch (error) {
      this.forget(key);
      throw error;
    }
    let left = false;
    return () => {
      if (left) return;
      left = true;
      this.forget(key);
      // The next in line takes over the place as it is.
      const next = this.waiting.shift();
      if (next) next();
      else this.inside -= 1;
    };
  }

  private wait(signal: AbortSignal): Promise<void> {
    if (this.waiting.length >= this.limits.queue)
      throw full('Too many calls are waiting already: try again in a moment.');
    return new Promise((resolve, reject) => {
      const turn = (): void => {
        signal.removeEventListener('abort', leave);
        resolve();
      };
      const leave = (): void => {
        const place = this.waiting.indexOf(turn);
        if (place >= 0) this.waiting.splice(place, 1);
        reject(asHoldfastError(signal.reason));
      };
      this.waiting.push(turn);
      signal.addEventListener('abort', leave, { once: true });
    });
  }

  private forget(key: string): void {
    const left = (this.byKey.get(key) ?? 1) - 1;
    if (left === 0) this.byKey.delete(key);
    else this.byKey.set(key, left);
  }
}

function full(message: string): HoldfastError {
  return new HoldfastError({ kind: 'RateLimited', code: 'TOO_MANY_CALLS', message });
}
