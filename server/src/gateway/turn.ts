import type { Clock } from '@holdfast/core/clock';

/** So long others may have to wait for their turn, for each of those who are at work at the same time. */
const LONGEST_MS = 5;
/** Work that begins so soon after other work has cost nobody anything yet. */
const SHORTEST_MS = 0.001;

/**
 * Long work on the gateway's one thread, in parts: between them everybody else gets their turn. In each round of the event loop one
 * piece of work has one turn; and whoever has several pieces under way has one turn with all of them together, so that
 * nobody gets more of the thread by asking for more at a time.
 */
export class Turns {
  /** Who waits, in the order in which they come next. */
  private readonly waiting = new Map<string, Waiter[]>();
  /** Whose turn it is, and since when; undefined while nobody has worked in this round. */
  private present: { readonly turn: Turn; readonly began: number } | undefined;

  constructor(private readonly clock: Clock) {}

  /** One piece of work of theirs. */
  of(who: string): Turn {
    return new Turn(this, who, this.clock);
  }

  /** Resolves at once while it is this work's turn, or nobody's, and otherwise once it is. */
  async take(turn: Turn): Promise<void> {
    const now = this.clock.monotonic();
    if (this.present === undefined) return this.begin(turn, now);
    const { turn: other, began } = this.present;
    if (now - began < (turn === other ? LONGEST_MS : SHORTEST_MS)) return;
    await new Promise<void>((resume) => {
      const own = this.waiting.get(turn.who);
      if (own === undefined) this.waiting.set(turn.who, [{ turn, resume }]);
      else own.push({ turn, resume });
    });
  }

  private begin(turn: Turn, began: number): void {
    this.present = { turn, began };
    // What comes over the network meanwhile is looked at before it runs.
    setImmediate(() => this.next());
  }

  private next(): void {
    this.present = undefined;
    for (const [who, own] of this.waiting) {
      const first = own.shift();
      this.waiting.delete(who);
      if (own.length > 0) this.waiting.set(who, own);
      if (first === undefined) continue;
      this.begin(first.turn, this.clock.monotonic());
      first.resume();
      return;
    }
  }
}

interface Waiter {
  readonly turn: Turn;
  readonly resume: () => void;
}

/** To be passed before each part of a piece of work; a part is what takes a millisecond or so. */
export class Turn {
  private spent = 0;
  private resumed: number;

  constructor(
    private readonly turns: Turns,
    readonly who: string,
    private readonly clock: Clock,
  ) {
    this.resumed = clock.monotonic();
  }

  async pass(): Promise<void> {
    this.count();
    await this.turns.take(this);
    this.resumed = this.clock.monotonic();
  }

  /** How long this work had the thread for itself. */
  spentMs(): number {
    this.count();
    return this.spent;
  }

  private count(): void {
    const now = this.clock.monotonic();
    this.spent += now - this.resumed;
    this.resumed = now;
  }
}
