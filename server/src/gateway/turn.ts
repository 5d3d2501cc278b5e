import type { Clock } from '@holdfast/core/clock';

/** So long others may have to wait for their turn, for each of those who are at work at the same time. */
const LONGEST_MS = 2;
/** What was used longer ago than this is forgiven. */
const WINDOW_MS = 1_000;
/** Work that begins so soon after other work has cost nobody anything yet. */
const SHORTEST_MS = 0.001;

/**
 * Long work on the gateway's one thread, in parts: between them everybody else gets their turn. In each round of the event loop one
 * piece of work has one turn, that of whoever has had the thread for the least time lately, with all pieces of work together: so
 * nobody gets more of it by asking for more at a time, and whoever asks for little hardly waits.
 */
export class Turns {
  private readonly waiting = new Map<string, Waiter[]>();
  /** Milliseconds that each has had in this window of time. */
  private readonly used = new Map<string, number>();
  private windowBegan = 0;
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
    const now = this.clock.monotonic();
    this.countPresent(now);
    const who = this.whoComesNext();
    const own = who === undefined ? undefined : this.waiting.get(who);
    const first = own?.shift();
    if (who === undefined || own === undefined || first === undefined) return;
    // Behind others who have used as much.
    this.waiting.delete(who);
    if (own.length > 0) this.waiting.set(who, own);
    this.begin(first.turn, now);
    first.resume();
  }

  private countPresent(now: number): void {
    if (now - this.windowBegan > WINDOW_MS) {
      this.used.clear();
      this.windowBegan = now;
    }
    if (this.present !== undefined) {
      const { turn, began } = this.present;
      this.used.set(turn.who, (this.used.get(turn.who) ?? 0) + now - began);
    }
    this.present = undefined;
  }

  private whoComesNext(): string | undefined {
    let next: { readonly who: string; readonly used: number } | undefined;
    for (const who of this.waiting.keys()) {
      const used = this.used.get(who) ?? 0;
      if (next === undefined || used < next.used) next = { who, used };
    }
    return next?.who;
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
