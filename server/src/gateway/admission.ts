import type { Clock, Timers } from '@holdfast/core/clock';
import { asHoldfastError, HoldfastError } from '@holdfast/core/errors';
import { type Guest, Place } from './place.js';

export interface AdmissionLimits {
  /** Inside at a time, of all together. */
  readonly places: number;
  /** Waiting at a time, of all together. */
  readonly queue: number;
  /** Inside, waiting, or on its way out, of one agent. */
  readonly perKey: number;
  /** While others wait, whoever moves less is slow, … */
  readonly leastBytesPerSecond: number;
  /** … measured over so long. */
  readonly windowMs: number;
  /** Whoever waits for longer than this may take a place also from one who is not slow, but has more. */
  readonly patienceMs: number;
  /** Whoever is slow may stay for so long, however few places it has. */
  readonly slowMs: number;
}

interface Waiter {
  readonly guest: Guest;
  readonly since: number;
  readonly enter: () => void;
  readonly refuse: (error: HoldfastError) => void;
}

const REVIEW_MS = 1_000;

/**
 * Lets so many in at a time; others wait. Whoever has the fewest places is next, by vault and then by agent, and among equals whoever
 * came first. While somebody waits, places are taken from those who have more: from slow ones at once, from others after a while. So one
 * who moves little, on a slow link or by a limit of its own, has what it likes while nobody waits, and its share in any case.
 */
export class Admission {
  private readonly inside = new Set<Place>();
  /** Gave their places back, and have something left in memory. */
  private readonly lingering = new Set<Place>();
  private readonly waiting: Waiter[] = [];
  private cancelReview: () => void = () => undefined;

  constructor(
    private readonly limits: AdmissionLimits,
    private readonly ports: { readonly clock: Clock; readonly timers: Timers },
  ) {}

  /** Throws RateLimited when there is no room to wait, or what the signal says. `waits` is called where it has to wait. */
  async enter(guest: Guest, signal: AbortSignal, waits: () => void = () => undefined): Promise<Place> {
    signal.throwIfAborted();
    const { perKey, places } = this.limits;
    if ((this.underWay().byKey.get(guest.key) ?? 0) >= perKey)
      throw full(`One agent may have ${perKey} of these calls under way at a time.`);
    if (this.inside.size < places) return this.admit(guest);
    return this.wait(guest, signal, waits);
  }

  private admit(guest: Guest): Place {
    const place = new Place(guest, this.ports.clock, this.limits.windowMs, (rest) => {
      if (!this.inside.delete(place)) return;
      if (rest !== undefined) {
        this.lingering.add(place);
        void rest.then(() => this.lingering.delete(place));
      }
      this.next()?.enter();
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
        since: this.ports.clock.monotonic(),
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
    const last = this.waiting.findLast((waiter) => lead(underWay, waiter.guest, guest) > 1);
    if (last === undefined) throw full('Too many calls are waiting already: try again in a moment.');
    last.refuse(full('Too many calls are waiting, most of them of other agents: try again in a moment.'));
  }

  private next(): Waiter | undefined {
    const held = this.held();
    return this.waiting.toSorted((one, other) => fewerFirst(held, one.guest, other.guest))[0];
  }

  private reviewLater(): void {
    this.cancelReview = this.ports.timers.after(REVIEW_MS, () => {
      this.reviewLater();
      const leaving = [...this.inside].filter((place) => place.signal.aborted).length;
      const next = this.next();
      if (next !== undefined && leaving < this.waiting.length) this.takePlaceFor(next);
    });
  }

  /** From whoever has most of those that give way, the slowest. */
  private takePlaceFor(waiter: Waiter): void {
    const held = this.held();
    const [place] = [...this.inside]
      .filter((each) => each.mayBeTaken && this.givesWay(each, waiter, held))
      .toSorted((one, other) => fewerFirst(held, other.guest, one.guest) || one.rate - other.rate);
    place?.take();
  }

  private givesWay(place: Place, waiter: Waiter, held: Counts): boolean {
    const { leastBytesPerSecond, patienceMs, slowMs } = this.limits;
    const now = this.ports.clock.monotonic();
    const isSlow = place.rate < leastBytesPerSecond;
    if (isSlow && now - place.since >= slowMs) return true;
    return lead(held, place.guest, waiter.guest) > 1 && (isSlow || now - waiter.since >= patienceMs);
  }

  private held(): Counts {
    return countsOf([...this.inside].filter((place) => !place.signal.aborted));
  }

  private underWay(): Counts {
    return countsOf([...this.inside, ...this.lingering, ...this.waiting]);
  }
}

interface Counts {
  readonly byGroup: ReadonlyMap<string, number>;
  readonly byKey: ReadonlyMap<string, number>;
}

function countsOf(all: readonly { readonly guest: Guest }[]): Counts {
  const byGroup = new Map<string, number>();
  const byKey = new Map<string, number>();
  for (const { guest } of all) {
    byGroup.set(guest.group, (byGroup.get(guest.group) ?? 0) + 1);
    byKey.set(guest.key, (byKey.get(guest.key) ?? 0) + 1);
  }
  return { byGroup, byKey };
}

/** How many more the one has than the other: as vaults, or as agents of one vault. Beyond one, the other may have one of them. */
function lead({ byGroup, byKey }: Counts, one: Guest, other: Guest): number {
  return one.group === other.group
    ? (byKey.get(one.key) ?? 0) - (byKey.get(other.key) ?? 0)
    : (byGroup.get(one.group) ?? 0) - (byGroup.get(other.group) ?? 0);
}

function fewerFirst({ byGroup, byKey }: Counts, one: Guest, other: Guest): number {
  const groups = (byGroup.get(one.group) ?? 0) - (byGroup.get(other.group) ?? 0);
  return groups || (byKey.get(one.key) ?? 0) - (byKey.get(other.key) ?? 0);
}

function full(message: string): HoldfastError {
  return new HoldfastError({ kind: 'RateLimited', code: 'TOO_MANY_CALLS', message });
}
