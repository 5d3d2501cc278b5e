/**
 * Who comes next in front of a few workers. What somebody waits for goes before what is done unasked, and both before what uploaders sent in
 * whose frames were found bad. Within these, domains take turns, in a domain those who ask, and for each of them the uploaders: so
 * nobody waits longer because somebody else has uploaded, or asks for, more. Work comes in pieces, each of which waits for its own turn.
 */

export interface VerifyTurn {
  readonly lane: 'urgent' | 'patient';
  readonly domainId: string;
  readonly askerId: string;
  readonly uploaderId: string;
}

interface Waiter {
  readonly turn: VerifyTurn;
  readonly begin: () => void;
}

export class VerifyQueue {
  private running = 0;
  /** In the order of coming. */
  private waiting: Waiter[] = [];
  /** When each domain, asker and uploader had its last turn, as a number that grows. */
  private readonly served = new Map<string, number>();
  private turns = 0;
  private readonly suspects = new Set<string>();

  constructor(private readonly workers: number) {}

  async run<T>(turn: VerifyTurn, work: () => Promise<T>): Promise<T> {
    if (this.running >= this.workers) await new Promise<void>((begin) => this.waiting.push({ turn, begin }));
    else this.running += 1;
    this.note(turn);
    try {
      return await work();
    } finally {
      // A waiter takes over the place as it is; only without one does the place become free.
      const next = this.takeNext();
      if (next) next.begin();
      else this.running -= 1;
    }
  }

  /** What this uploader sent comes last from now on. */
  suspect(uploaderId: string): void {
    this.suspects.add(uploaderId);
  }

  private note(turn: VerifyTurn): void {
    this.turns += 1;
    for (const key of keysOf(turn)) this.served.set(key, this.turns);
  }

  private takeNext(): Waiter | undefined {
    let first: { readonly place: number; readonly rank: readonly number[] } | undefined;
    for (const [place, { turn }] of this.waiting.entries()) {
      const rank = this.rank(turn);
      if (first === undefined || isBefore(rank, first.rank)) first = { place, rank };
    }
    if (first === undefined) {
      this.served.clear();
      return undefined;
    }
    return this.waiting.splice(first.place, 1)[0];
  }

  private rank(turn: VerifyTurn): number[] {
    const lane = (this.suspects.has(turn.uploaderId) ? 2 : 0) + (turn.lane === 'patient' ? 1 : 0);
    return [lane, ...keysOf(turn).map((key) => this.served.get(key) ?? 0)];
  }
}

function keysOf({ domainId, askerId, uploaderId }: VerifyTurn): string[] {
  return [domainId, `${domainId} ${askerId}`, `${domainId} ${askerId} ${uploaderId}`];
}

function isBefore(one: readonly number[], other: readonly number[]): boolean {
  const place = one.findIndex((each, index) => each !== other[index]);
  return place >= 0 && (one[place] ?? 0) < (other[place] ?? 0);
}
