/** Two lanes in front of a few workers: what somebody waits for goes before what is done unasked. */
export class VerifyQueue {
  private running = 0;
  private readonly urgent: (() => void)[] = [];
  private readonly patient: (() => void)[] = [];

  constructor(private readonly workers: number) {}

  async run<T>(lane: 'urgent' | 'patient', work: () => Promise<T>): Promise<T> {
    if (this.running >= this.workers) await new Promise<void>((resolve) => this[lane].push(resolve));
    else this.running += 1;
    try {
      return await work();
    } finally {
      // A waiter takes over the place as it is; only without one does the place become free.
      const next = this.urgent.shift() ?? this.patient.shift();
      if (next) next();
      else this.running -= 1;
    }
  }
}
