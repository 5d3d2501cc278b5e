/** Below this the nodes are looked at anew at the commit only. */
const FIRST_LOOK = 100_000;
/** What a node takes beside its edges, in edges: it is remembered, they are not. */
const NODE = 8;

/**
 * Nodes uploaded in a backup that are not closed yet. What lies below most of them comes later, for packs overtake each other: so they are
 * looked at anew whenever there are twice as many as were left the last time, which costs each of them a few looks, however many there are.
 */
export class OpenNodes {
  private readonly weights = new Map<number, number>();
  private total = 0;
  private nextLook = FIRST_LOOK;

  /** All their edges and the nodes themselves: what a look at all of them costs. */
  get weight(): number {
    return this.total;
  }

  get isLookDue(): boolean {
    return this.total >= this.nextLook;
  }

  /** All have been looked at. */
  looked(): void {
    this.nextLook = Math.max(FIRST_LOOK, 2 * this.total);
  }

  add(node: number, edges: number): void {
    if (this.weights.has(node)) return;
    this.weights.set(node, NODE + edges);
    this.total += NODE + edges;
  }

  delete(node: number): void {
    this.total -= this.weights.get(node) ?? 0;
    this.weights.delete(node);
  }

  /** In the order in which they came. */
  all(): number[] {
    return [...this.weights.keys()];
  }
}
