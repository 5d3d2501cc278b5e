/**
 * Of each caller one call begins in each round of the event loop, and the others wait in their order. Calls cost about as much to receive and to answer
 * as the work of most of them, so those that come all at once would keep everybody else waiting until the last of them is answered.
 */
export class CallTurns {
  /** What waits of each caller that has begun a call in this round. */
  private readonly waiting = new Map<string, Set<() => void>>();

  /** Begins it at once or when its turn comes; returns what takes it back before that. */
  take(caller: string, begin: () => void): () => void {
    const own = this.waiting.get(caller);
    if (own !== undefined) {
      own.add(begin);
      return () => own.delete(begin);
    }
    this.waiting.set(caller, new Set());
    setImmediate(() => this.next(caller));
    begin();
    return () => undefined;
  }

  private next(caller: string): void {
    const own = this.waiting.get(caller);
    const [first] = own ?? [];
    if (own === undefined || first === undefined) {
      this.waiting.delete(caller);
      return;
    }
    own.delete(first);
    setImmediate(() => this.next(caller));
    first();
  }
}
