import { HoldfastError } from '@holdfast/core/errors';

/** At most so many at a time; the others wait in line. */
export class Turns {
  private readonly waiting: { readonly go: () => void; readonly fail: () => void }[] = [];

  constructor(private free: number) {}

  /** Resolves when it is the caller's turn, who then owes a `leave`. Rejects with Cancelled when the signal fires first. */
  async enter(signal: AbortSignal): Promise<void> {
    if (signal.aborted) throw stopped();
    if (this.free > 0) {
      this.free -= 1;
      return;
    }
    await new Promise<void>((resolve, reject) => {
      const settle = (how: () => void) => () => {
        signal.removeEventListener('abort', abort);
        how();
      };
      const waiter = { go: settle(resolve), fail: settle(() => reject(stopped())) };
      const abort = (): void => {
        this.waiting.splice(this.waiting.indexOf(waiter), 1);
        waiter.fail();
      };
      signal.addEventListener('abort', abort, { once: true });
      this.waiting.push(waiter);
    });
  }

  /** The place goes to the next in line. */
  leave(): void {
    const next = this.waiting.shift();
    if (next === undefined) this.free += 1;
    else next.go();
  }
}

function stopped(): HoldfastError {
  return new HoldfastError({ kind: 'Cancelled', code: 'JOB_STOPPED', message: 'The job was stopped.' });
}
