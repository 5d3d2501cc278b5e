import type { Clock } from '@holdfast/core/clock';

/** How long transactions may follow each other before the thread looks at what has come over the network. */
const ROUND_MS = 2;

interface Line {
  readonly key: string;
  readonly waiting: (() => void)[];
  open: number;
  /** Milliseconds that were taken for it, on from those of the line that was served last when this one came. */
  takenMs: number;
}

/**
 * Whose transaction is next. Everybody has a line of their own; of the lines in which somebody waits, that one comes next which has the
 * fewest transactions open, and among these the one for which the least time was taken. So whoever asks for much waits for that alone,
 * and who asks for little waits for one transaction of each of the others. A line counts from when it has something to do: nothing
 * is saved up.
 *
 * A transaction on SQLite never leaves the thread, and a queue of them would hold it until the last one has ended. So one that ends when
 * they have gone on for long keeps its place until the event loop has gone round: what came over the network meanwhile is heard, and what
 * its caller did with the answer at once counts as the caller's time.
 */
export class TransactionTurns {
  private readonly lines = new Map<string, Line>();
  private open = 0;
  private servedMs = 0;
  private roundBegan: number | undefined;

  constructor(
    private readonly atOnce: number,
    private readonly clock: Clock,
  ) {}

  async run<T>(key: string, transaction: () => Promise<T>): Promise<T> {
    const line = this.lineOf(key);
    const turn = new Promise<void>((begin) => line.waiting.push(begin));
    this.callNext();
    await turn;
    const began = this.clock.monotonic();
    this.beginRound(began);
    try {
      return await transaction();
    } finally {
      if (this.clock.monotonic() - (this.roundBegan ?? began) < ROUND_MS) this.leave(line, began);
      else setImmediate(() => this.leave(line, began));
    }
  }

  private beginRound(now: number): void {
    if (this.roundBegan !== undefined) return;
    this.roundBegan = now;
    setImmediate(() => {
      this.roundBegan = undefined;
    });
  }

  private lineOf(key: string): Line {
    const known = this.lines.get(key);
    if (known !== undefined) return known;
    const line: Line = { key, waiting: [], open: 0, takenMs: this.servedMs };
    this.lines.set(key, line);
    return line;
  }

  private callNext(): void {
    while (this.open < this.atOnce) {
      const line = this.nextLine();
      if (line === undefined) return;
      // Behind others for which as much was taken.
      this.lines.delete(line.key);
      this.lines.set(line.key, line);
      this.servedMs = Math.max(this.servedMs, line.takenMs);
      this.open += 1;
      line.open += 1;
      line.waiting.shift()?.();
    }
  }

  private nextLine(): Line | undefined {
    let next: Line | undefined;
    for (const line of this.lines.values())
      if (line.waiting.length > 0 && (next === undefined || isBefore(line, next))) next = line;
    return next;
  }

  private leave(line: Line, began: number): void {
    line.takenMs += this.clock.monotonic() - began;
    line.open -= 1;
    this.open -= 1;
    if (line.open === 0 && line.waiting.length === 0) this.lines.delete(line.key);
    this.callNext();
  }
}

function isBefore(one: Line, other: Line): boolean {
  return one.open < other.open || (one.open === other.open && one.takenMs < other.takenMs);
}
