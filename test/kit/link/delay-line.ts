/** What happens at moments that only ever lie later than those before: one timer serves the whole line. */
export class DelayLine {
  readonly #line: { readonly at: number; readonly run: () => void }[] = [];
  #timer: NodeJS.Timeout | undefined;

  /** `at` in the milliseconds of `performance.now()`, not before the `at` of an earlier call. */
  add(at: number, run: () => void): void {
    this.#line.push({ at, run });
    this.#arm();
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#line.length = 0;
  }

  #arm(): void {
    const [next] = this.#line;
    if (next !== undefined) this.#timer ??= setTimeout(() => this.#tick(), Math.max(0, next.at - performance.now()));
  }

  #tick(): void {
    this.#timer = undefined;
    // A timer may fire a little early: what is due within half a millisecond is due.
    const due = performance.now() + 0.5;
    const later = this.#line.findIndex(({ at }) => at > due);
    for (const { run } of this.#line.splice(0, later < 0 ? this.#line.length : later)) run();
    this.#arm();
  }
}
