import type { Clock } from '@holdfast/core/clock';
import { addressGroup } from './address-group.js';
import { Barred } from './barred.js';
import { Pace, type PaceLimits } from './pace.js';

export interface GateLimits {
  /** Inside at a time, of all addresses. */
  readonly places: number;
  /** Inside at a time, of one address. */
  readonly perAddress: number;
  /** How long one of the address that holds the most is safe from newcomers of that address. */
  readonly graceMs: number;
  /** Newcomers of one address. */
  readonly pace: PaceLimits;
}

/** How long an address is not let in after `bar`; others may be behind it. */
const BARRED_MS = 10_000;

export type GateRefusal = 'BARRED' | 'TOO_FAST' | 'ADDRESS_FULL' | 'FULL';

interface Inside {
  readonly group: string;
  readonly since: number;
  readonly drop: () => void;
}

/**
 * Who may hold a connection before anybody knows who it is. When all places are taken, the newcomer takes the oldest one of
 * the address that holds the most: a host that opens many and says nothing stands in nobody's way but its own. Honest hosts
 * behind one address are safe from each other for `graceMs`, which is longer than a handshake takes.
 */
export class ConnectionGate {
  private readonly groups = new Map<string, Set<Inside>>();
  private readonly pace: Pace;
  private readonly barred: Barred;
  private taken = 0;

  constructor(
    private readonly limits: GateLimits,
    private readonly clock: Clock,
  ) {
    this.pace = new Pace(limits.pace, clock);
    this.barred = new Barred(BARRED_MS, clock);
  }

  /** The function that gives the place back, or why there is none. `drop` is called when another gets the place. */
  enter(address: string, drop: () => void): (() => void) | GateRefusal {
    const group = addressGroup(address);
    if (this.barred.has(group)) return 'BARRED';
    if (!this.pace.allows(group)) return 'TOO_FAST';
    const own = this.groups.get(group);
    if (own !== undefined && own.size >= this.limits.perAddress) {
      if (!this.dropOldest(own, this.limits.graceMs)) return 'ADDRESS_FULL';
    } else if (this.taken >= this.limits.places) {
      const largest = this.largestGroup();
      if (!this.dropOldest(largest, own?.size === largest.size ? this.limits.graceMs : 0)) return 'FULL';
    }
    const inside: Inside = { group, since: this.clock.monotonic(), drop };
    const members = this.groups.get(group) ?? new Set();
    this.groups.set(group, members.add(inside));
    this.taken += 1;
    return () => this.leave(inside);
  }

  /** Lets nobody of this address in for a while. */
  bar(address: string): void {
    this.barred.add(addressGroup(address));
  }

  get size(): number {
    return this.taken;
  }

  private leave(inside: Inside): void {
    const members = this.groups.get(inside.group);
    if (members?.delete(inside) !== true) return;
    this.taken -= 1;
    if (members.size === 0) this.groups.delete(inside.group);
  }

  private largestGroup(): Set<Inside> {
    let largest = new Set<Inside>();
    for (const members of this.groups.values()) if (members.size > largest.size) largest = members;
    return largest;
  }

  private dropOldest(members: Set<Inside>, graceMs: number): boolean {
    const [oldest] = members;
    if (oldest === undefined || this.clock.monotonic() - oldest.since < graceMs) return false;
    this.leave(oldest);
    oldest.drop();
    return true;
  }
}
