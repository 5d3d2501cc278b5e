/**
 * Who comes next in front of a few workers. What somebody waits for goes before what is done unasked, and both before what uploaders sent in
 * whose frames were found bad. Within these, domains take turns, in a domain those who ask, and for each of them the uploaders: so
 * nobody waits longer because somebody else has uploaded, or asks for, more. Work comes in pieces, each of which waits for its own turn.
 * One turn in eight asks for these alone and not for what goes before: so whoever asks for much keeps nothing waiting for ever.
 */

import { asHoldfastError } from '@holdfast/core/errors';

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

const TURNS_TO_ONE_FOR_ALL = 8;

/** When each domain, asker and uploader had its last turn, as a number that grows. */
class Rotation {
  private readonly served = new Map<string, number>();
  private turns = 0;

  note(turn: VerifyTurn): void {
    this.turns += 1;
    for (const key of keysOf(turn)) this.served.set(key, this.turns);
  }

  rank(turn: VerifyTurn): number[] {
    return keysOf(turn).map((key) => this.served.get(key) ?? 0);
  }

  clear(): void {
    this.served.clear();
  }
}

export class VerifyQueue {
  private running = 0;
  /** In the order of coming. */
  private waiting: Waiter[] = [];
  private readonly rotation = new Rotation();
  /** Of the turns for all, which would otherwise fall to the same ones again and again. */
  private readonly rotationOfAll = new Rotation();
  /** Since the last turn for all. */
  private turns = 0;
  private readonly suspects = new Set<string>();

  constructor(private readonly workers: number) {}

  /** Throws the reason of `over` where that fires before the work has begun: then it has left the queue. */
  async run<T>(turn: VerifyTurn, work: () => Promise<T>, over?: AbortSignal): Promise<T> {
    over?.throwIfAborted();
    if (this.running >= this.workers) await this.wait(turn, over);
    else {
      this.running += 1;
      this.rotation.note(turn);
    }
    try {
      over?.throwIfAborted();
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

  private wait(turn: VerifyTurn, over: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const leave = (): void => {
        this.waiting = this.waiting.filter((each) => each !== waiter);
        reject(asHoldfastError(over?.reason));
      };
      const begin = (): void => {
        over?.removeEventListener('abort', leave);
        resolve();
      };
      const waiter: Waiter = { turn, begin };
      this.waiting.push(waiter);
      over?.addEventListener('abort', leave, { once: true });
    });
  }

  private takeNext(): Waiter | undefined {
    if (this.waiting.length === 0) {
      this.rotation.clear();
      this.rotationOfAll.clear();
      return undefined;
    }
    this.turns = (this.turns + 1) % TURNS_TO_ONE_FOR_ALL;
    const isForAll = this.turns === 0;
    const rotation = isForAll ? this.rotationOfAll : this.rotation;
    let first: { readonly place: number; readonly rank: readonly number[] } | undefined;
    for (const [place, { turn }] of this.waiting.entries()) {
      const rank = [isForAll ? 0 : this.lane(turn), ...rotation.rank(turn)];
      if (first === undefined || isBefore(rank, first.rank)) first = { place, rank };
    }
    const [next] = this.waiting.splice(first?.place ?? 0, 1);
    if (next) rotation.note(next.turn);
    return next;
  }

  private lane({ uploaderId, lane }: VerifyTurn): number {
    return (this.suspects.has(uploaderId) ? 2 : 0) + (lane === 'patient' ? 1 : 0);
  }
}

function keysOf({ domainId, askerId, uploaderId }: VerifyTurn): string[] {
  return [domainId, `${domainId} ${askerId}`, `${domainId} ${askerId} ${uploaderId}`];
}

function isBefore(one: readonly number[], other: readonly number[]): boolean {
  const place = one.findIndex((each, index) => each !== other[index]);
  return place >= 0 && (one[place] ?? 0) < (other[place] ?? 0);
}
