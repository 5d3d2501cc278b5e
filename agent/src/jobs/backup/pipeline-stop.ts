import { HoldfastError } from '@holdfast/core/errors';

/**
 * Ends all parts of one backup together: the first failure of any, or the job's own signal, stops the others, and is what
 * the backup ends with.
 */
export class PipelineStop {
  private readonly controller = new AbortController();
  private readonly onAbort = (): void =>
    this.fail(new HoldfastError({ kind: 'Cancelled', code: 'JOB_STOPPED', message: 'The job was stopped.' }));
  private first: { readonly error: unknown } | undefined;
  private readonly listeners = new Set<() => void>();

  constructor(private readonly outer: AbortSignal) {
    if (outer.aborted) this.onAbort();
    else outer.addEventListener('abort', this.onAbort, { once: true });
  }

  get signal(): AbortSignal {
    return this.controller.signal;
  }

  get stopped(): boolean {
    return this.first !== undefined;
  }

  fail(error: unknown): void {
    if (this.first !== undefined) return;
    this.first = { error };
    this.controller.abort();
    for (const listener of this.listeners) listener();
  }

  onStop(listener: () => void): void {
    this.listeners.add(listener);
  }

  /** Waits for the work, but no longer than until the pipeline ends; throws what ended it. */
  async orStopped<T>(work: Promise<T>): Promise<T> {
    let stopped = (): void => undefined;
    const ended = new Promise<void>((resolve) => {
      stopped = resolve;
    });
    this.listeners.add(stopped);
    if (this.stopped) stopped();
    try {
      const value = await Promise.race([work, ended.then(() => this.check())]);
      return value as T;
    } finally {
      this.listeners.delete(stopped);
    }
  }

  /** Throws what ended the pipeline. */
  check(): void {
    if (this.first !== undefined) throw this.first.error;
  }

  /** Lets go of the job's signal. */
  dispose(): void {
    this.outer.removeEventListener('abort', this.onAbort);
  }
}
