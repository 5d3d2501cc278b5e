import type { Clock, Timers } from '@holdfast/core/clock';
import { asHoldfastError, HoldfastError } from '@holdfast/core/errors';
import { Place } from './place.js';
import { type Guest, Shares } from './shares.js';

export interface AdmissionLimits {
  /** Inside at a time, of all together. */
  readonly places: number;
  /** Waiting at a time, of all together. */
  readonly queue: number;
  /** Inside, waiting, or on its way out, of one agent. */
  readonly perKey: number;
  /** While others wait who have less, a place is for so long. */
  readonly turnMs: number;
}

interface Waiter {
  readonly guest: Guest;
  readonly enter: () => void;
  readonly refuse: (error: HoldfastError) => void;
}

const REVIEW_MS = 1_000;
/** How long ago somebody had a place says who is next; beyond this it is forgiven. */
const WINDOW_MS = 60_000;

/**
 * Lets so many in at a time; others wait. Whoever has the fewest places is next, by vault and then by agent; among equals, whoever had
 * places for the least time lately, and then whoever came first. While somebody waits, places go from hand to hand: whoever has had his turn
 * gives way to one who has none, or two less. How fast a call moves counts for nothing, so that no slow link is worse off than a fast one;
 * and a call that gave way goes on where it was, or it would begin for ever.
 */
export class Admission {
  private readonly inside = new Set<Place>();
  /** Gave their places back, and have something left in memory. */
  private readonly lingering = new Set<Place>();
  private readonly waiting: Waiter[] = [];
  /** Milliseconds that each agent had places in this window of time. */
  private readonly used = new Map<string, number>();
  private windowBegan = 0;
  private cancelReview: () => void = () => undefined;

  constructor(
    private readonly limits: AdmissionLimits,
    private readonly ports: { readonly clock: Clock; readonly timers: Timers },
  ) {}

  /** Throws RateLimited when there is no room to wait, or what the signal says. `waits` is called where it has to wait. */
  async enter(guest: Guest, signal: AbortSignal, waits: () => void = () => undefined): Promise<Place> {
    signal.throwIfAborted();
    const { perKey, places } = this.limits;
    if (this.underWay().ofKey(guest.key) >= perKey)
      throw full(`One agent may have ${perKey} of these calls under way at a time.`);
    if (this.inside.size < places) return this.admit(guest);
    return this.wait(guest, signal, waits);
  }

  private admit(guest: Guest): Place {
    const place = new Place(guest, this.ports.clock.monotonic(), (rest) => {
      if (!this.inside.delete(place)) return;
      this.countUsed(place);
      if (rest !== undefined) {
        this.lingering.add(place);
        void rest.then(() => this.lingering.delete(place));
      }
      this.next(this.held(), this.waiting)?.enter();
    });
    this.inside.add(place);
    return place;
  }

  private wait(guest: Guest, signal: AbortSignal, waits: () => void): Promise<Place> {
    if (this.waiting.length >= this.limits.queue) this.makeRoomFor(guest);
    return new Promise((resolve, reject) => {
      const leave = (): void => waiter.refuse(asHoldfastError(signal.reason));
      const done = (): void => {
        signal.removeEventListener('abort', leave);
        this.waiting.splice(this.waiting.indexOf(waiter), 1);
        if (this.waiting.length === 0) this.cancelReview();
      };
      const waiter: Waiter = {
        guest,
        enter: () => {
          done();
          resolve(this.admit(guest));
        },
        refuse: (error) => {
          done();
          reject(error);
        },
      };
      this.waiting.push(waiter);
      signal.addEventListener('abort', leave, { once: true });
      if (this.waiting.length === 1) this.reviewLater();
      waits();
    });
  }

  /** The last who came of those who have more under way goes. Throws RateLimited when nobody has more. */
  private makeRoomFor(guest: Guest): void {
    const underWay = this.underWay();
    const last = this.waiting.findLast((waiter) => underWay.lead(waiter.guest, guest) > 1);
    if (last === undefined) throw full('Too many calls are waiting already: try again in a moment.');
    last.refuse(full('Too many calls are waiting, most of them of other agents: try again in a moment.'));
  }

  private next(held: Shares, waiting: Iterable<Waiter>): Waiter | undefined {
    let next: Waiter | undefined;
    for (const waiter of waiting)
      if (next === undefined || this.order(held, waiter.guest, next.guest) < 0) next = waiter;
    return next;
  }

  private order(held: Shares, one: Guest, other: Guest): number {
    return held.compare(one, other) || (this.used.get(one.key) ?? 0) - (this.used.get(other.key) ?? 0);
  }

  private reviewLater(): void {
    this.cancelReview = this.ports.timers.after(REVIEW_MS, () => {
      this.reviewLater();
      this.review();
    });
  }

  /** Takes places for as many as wait, as far as others have had their turns, beside those that are on their way back already. */
  private review(): void {
    const held = this.held();
    const waiting = new Set(this.waiting);
    let leaving = [...this.inside].filter((place) => place.signal.aborted).length;
    for (let next = this.next(held, waiting); next !== undefined; next = this.next(held, waiting)) {
      if (leaving > 0) leaving -= 1;
      else {
        const place = this.givesWay(next.guest, held);
        if (place === undefined) return;
        place.take();
        held.remove(place.guest);
      }
      held.add(next.guest);
      waiting.delete(next);
    }
  }

  /** Of those who have had their turn: one of whoever has most, the longest. */
  private givesWay(guest: Guest, held: Shares): Place | undefined {
    const before = this.ports.clock.monotonic() - this.limits.turnMs;
    let found: Place | undefined;
    for (const place of this.inside) {
      if (!place.mayBeTaken || place.since > before || !held.isOwed(place.guest, guest)) continue;
      if (found === undefined || held.compare(place.guest, found.guest) > 0) found = place;
    }
    return found;
  }

  private countUsed({ guest, since }: Place): void {
    const now = this.ports.clock.monotonic();
    if (now - this.windowBegan > WINDOW_MS) {
      this.used.clear();
      this.windowBegan = now;
    }
    this.used.set(guest.key, (this.used.get(guest.key) ?? 0) + Math.min(now - since, WINDOW_MS));
  }

  private held(): Shares {
    return new Shares([...this.inside].filter((place) => !place.signal.aborted));
  }

  private underWay(): Shares {
    return new Shares([...this.inside, ...this.lingering, ...this.waiting]);
  }
}

function full(message: string): HoldfastError {
  return new HoldfastError({ kind: 'RateLimited', code: 'TOO_MANY_CALLS', message });
}
