/** Lets producers wait until there is room again. */
export class BackPressure {
  private waiters: (() => void)[] = [];

  /** Looks anew after every `changed`. */
  async until(free: () => boolean): Promise<void> {
    while (!free()) await new Promise<void>((resolve) => this.waiters.push(resolve));
  }

  changed(): void {
    for (const wake of this.waiters.splice(0)) wake();
  }
}
