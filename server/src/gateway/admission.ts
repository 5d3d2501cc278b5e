import { asHoldfastError, HoldfastError } from '@holdfast/core/errors';

/** Lets so many in at a time and has so many wait, in the order in which they came. */
export class Admission {
  private inside = 0;
  private readonly waiting: (() => void)[] = [];

  constructor(
    private readonly places: number,
    private readonly longestQueue: number,
  ) {}

  /** Resolves with the function that gives the place back. Throws RateLimited when the queue is full, or what the signal says. */
  async enter(signal: AbortSignal): Promise<() => void> {
    signal.throwIfAborted();
    if (this.inside < this.places) this.inside += 1;
    else await this.wait(signal);
    let left = false;
    return () => {
      if (left) return;
      left = true;
      // The next in line takes over the place as it is.
      const next = this.waiting.shift();
      if (next) next();
      else this.inside -= 1;
    };
  }

  private wait(signal: AbortSignal): Promise<void> {
    if (this.waiting.length >= this.longestQueue) {
      throw new HoldfastError({
        kind: 'RateLimited',
        code: 'TOO_MANY_UPLOADS',
        message: 'Too many uploads are waiting already: try again in a moment.',
      });
    }
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
}
