import type { Clock, Timers } from '@holdfast/core/clock';
import type { Log } from '../../platform/telemetry/log.js';
import { callerKey, isStranger } from '../access/caller-key.js';
import { describePrincipal } from '../access/domain/principal.js';
import type { AuditEntry, AuditOrigin } from './ports.js';

/** Rows in full that one caller can cause at once; one more every minute. */
export const FULL_ROWS = 20;
const ANOTHER_ROW_MS = 60_000;
/**
 * Kinds of refusal (who, what, why, about which type of thing) whose first one is written in full even then, and that are counted by
 * themselves: more than anybody can cause with one session. What lies beyond is counted by what and why.
 */
export const KINDS = 100;
/** Between two counts of the same refusals. */
export const SUMMARY_MS = 10 * 60_000;
/** Addresses without a name that are told apart. */
const STRANGERS = 500;

export interface RefusalAuditPorts {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly log: Log;
  readonly write: (origin: AuditOrigin, entry: AuditEntry) => Promise<void>;
}

interface Tally {
  origin: AuditOrigin;
  entry: AuditEntry;
  count: number;
  firstAt: number;
  lastAt: number;
}

interface Caller {
  /** Rows in full that are left. */
  rows: number;
  countedAt: number;
  readonly kinds: Map<string, Tally>;
  /** Beyond those kinds, by action and reason: both are words of this program, so there are few. */
  readonly further: Map<string, Tally>;
}

/**
 * Writes refusals into the audit log so that nobody can fill it by being refused, nor hide one refusal behind others: the first
 * ones of a caller, and the first of each kind, one by one; the rest as one row per kind with how many, from when and until
 * when. Whoever causes still more kinds (with many tokens) gets rows that tell the action and the reason, and neither token nor
 * thing. A caller is a user with all tokens, an agent, or the network of somebody unknown. What is counted and not yet
 * written is lost when the process is killed; the first ones never are.
 */
export class RefusalAudit {
  private readonly callers = new Map<string, Caller>();
  private strangers = 0;
  private cancel: (() => void) | undefined;
  private flushed: Promise<void> = Promise.resolve();

  constructor(private readonly ports: RefusalAuditPorts) {}

  async record(origin: AuditOrigin, entry: AuditEntry): Promise<void> {
    const now = this.ports.clock.now();
    const caller = this.callerOf(origin);
    const name = kindOf(origin, entry);
    const one = { origin: bare(origin), entry, count: 1, firstAt: now, lastAt: now };
    const isNew = !caller.kinds.has(name) && caller.kinds.size < KINDS;
    if (isNew) caller.kinds.set(name, { ...one, count: 0 });
    this.refill(caller);
    if (!isNew && caller.rows === 0) return countOne(caller, name, one);
    caller.rows = Math.max(0, caller.rows - 1);
    try {
      await this.ports.write(origin, entry);
    } catch (error) {
      countOne(caller, name, one);
      throw error;
    }
  }

  /** Writes what is counted and not yet written. */
  flush(): Promise<void> {
    this.cancel?.();
    this.cancel = undefined;
    this.flushed = this.flushed.then(() => this.writeAll());
    return this.flushed;
  }

  /** No more counts by themselves; what is left is written. */
  async stop(): Promise<void> {
    await this.flush();
    this.cancel?.();
  }

  private async writeAll(): Promise<void> {
    for (const [key, caller] of [...this.callers]) {
      const kept = [caller.kinds, caller.further].flatMap((tallies) =>
        [...tallies].flatMap(([name, tally]) => (tally.count > 0 ? [{ tallies, name, tally }] : [])),
      );
      caller.kinds.clear();
      caller.further.clear();
      this.refill(caller);
      if (kept.length === 0 && caller.rows === FULL_ROWS) {
        this.callers.delete(key);
        if (isStranger(key)) this.strangers -= 1;
      }
      for (const { tallies, name, tally } of kept) await this.writeTally(tallies, name, tally);
    }
    if (this.callers.size > 0) this.schedule();
  }

  private async writeTally(tallies: Map<string, Tally>, name: string, tally: Tally): Promise<void> {
    const { origin, entry, ...repeated } = tally;
    try {
      await this.ports.write(origin, { ...entry, repeated });
    } catch (error) {
      this.ports.log.warn({ err: error, action: entry.action, ...repeated }, 'audit.refusals-not-written');
      count(tallies, name, tally);
    }
  }

  private callerOf(origin: AuditOrigin): Caller {
    let key = callerKey(origin.principal, origin.address);
    if (isStranger(key) && !this.callers.has(key)) {
      if (this.strangers >= STRANGERS) key = SOMEBODY;
      else this.strangers += 1;
    }
    const known = this.callers.get(key);
    if (known !== undefined) return known;
    const countedAt = this.ports.clock.monotonic();
    const caller: Caller = { rows: FULL_ROWS, countedAt, kinds: new Map(), further: new Map() };
    this.callers.set(key, caller);
    this.schedule();
    return caller;
  }

  private refill(caller: Caller): void {
    const more = Math.floor((this.ports.clock.monotonic() - caller.countedAt) / ANOTHER_ROW_MS);
    caller.rows = Math.min(FULL_ROWS, caller.rows + more);
    caller.countedAt += more * ANOTHER_ROW_MS;
  }

  private schedule(): void {
    this.cancel ??= this.ports.timers.after(SUMMARY_MS, () => void this.flush());
  }
}

const SOMEBODY = 'somebody';

function kindOf({ principal }: AuditOrigin, { action, outcome, reason, target }: AuditEntry): string {
  return JSON.stringify([describePrincipal(principal), action, outcome, reason, target?.type]);
}

/** Counts a refusal with those of its kind, or of its action and reason where there are too many kinds. */
function countOne(caller: Caller, name: string, one: Tally): void {
  if (caller.kinds.has(name)) {
    count(caller.kinds, name, one);
    return;
  }
  const { target: _, ...entry } = one.entry;
  const { action, outcome, reason } = entry;
  count(caller.further, JSON.stringify([action, outcome, reason]), { ...one, entry, origin: withoutToken(one.origin) });
}

/** Adds to what is counted under this name. */
function count(tallies: Map<string, Tally>, name: string, more: Tally): void {
  const tally = tallies.get(name);
  if (tally === undefined || tally.count === 0) tallies.set(name, more);
  else tallies.set(name, joined(tally, more));
}

/** One row for two of a kind: about the same thing and from the same place, or about none and from none in particular. */
function joined(one: Tally, other: Tally): Tally {
  const { target, ...entry } = one.entry;
  const { address, ...origin } = one.origin;
  return {
    entry: target !== undefined && target.id === other.entry.target?.id ? one.entry : entry,
    origin: address !== undefined && address === other.origin.address ? one.origin : origin,
    count: one.count + other.count,
    firstAt: Math.min(one.firstAt, other.firstAt),
    lastAt: Math.max(one.lastAt, other.lastAt),
  };
}

/** A context is an origin too, and holds much that must not stay in memory. */
function bare({ principal, address }: AuditOrigin): AuditOrigin {
  return { principal, ...(address === undefined ? {} : { address }) };
}

/** Whose it is, where several tokens are counted together. */
function withoutToken(origin: AuditOrigin): AuditOrigin {
  const { principal } = origin;
  if (principal.kind !== 'user') return origin;
  return { ...origin, principal: { kind: 'user', userId: principal.userId, name: principal.name } };
}
