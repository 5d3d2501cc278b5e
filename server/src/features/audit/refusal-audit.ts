import type { Clock, Timers } from '@holdfast/core/clock';
import { addressGroup } from '../../platform/address-group.js';
import type { Log } from '../../platform/telemetry/log.js';
import { describePrincipal } from '../access/domain/principal.js';
import type { AuditEntry, AuditOrigin } from './ports.js';

/** Rows in full that one caller can cause at once; one more every minute. */
export const FULL_ROWS = 20;
export const ANOTHER_ROW_MS = 60_000;
/** Kinds of refusal whose first one is written in full even then; what lies beyond is counted together. */
export const KINDS = 16;
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
  /** Rows in full that are left; below zero by what the first of each kind took. */
  rows: number;
  countedAt: number;
  readonly kinds: Map<string, Tally>;
}

/**
 * Writes refusals into the audit log so that nobody can fill it by being refused: the first ones of a caller, and the
 * first of each kind, one by one; the rest as one row per kind with how many, from when and until when. A caller is a user
 * with all tokens, an agent, or the network of somebody unknown. What is counted and not yet written is lost when the
 * process is killed; the first ones never are.
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
    const name = `${describePrincipal(origin.principal)} ${entry.action} ${entry.outcome} ${entry.reason ?? ''}`;
    const known = caller.kinds.has(name) || caller.kinds.size >= KINDS;
    this.refill(caller);
    if (caller.rows > 0 || (!known && caller.rows > -KINDS)) {
      caller.rows -= 1;
      if (!known) caller.kinds.set(name, { origin, entry, count: 0, firstAt: now, lastAt: now });
      await this.ports.write(origin, entry);
      return;
    }
    const kind = caller.kinds.has(name) ? name : '';
    const tally = caller.kinds.get(kind);
    if (tally === undefined) caller.kinds.set(kind, { origin, entry: VARIOUS, count: 1, firstAt: now, lastAt: now });
    else if (tally.count === 0) Object.assign(tally, { origin, entry, count: 1, firstAt: now, lastAt: now });
    else Object.assign(tally, { origin, entry: joined(tally.entry, entry), count: tally.count + 1, lastAt: now });
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
      const tallies = [...caller.kinds].filter(([, { count }]) => count > 0);
      caller.kinds.clear();
      this.refill(caller);
      if (tallies.length === 0 && caller.rows === FULL_ROWS) {
        this.callers.delete(key);
        if (key.startsWith(STRANGER)) this.strangers -= 1;
      }
      for (const [kind, tally] of tallies) await this.writeTally(caller, kind, tally);
    }
    if (this.callers.size > 0) this.schedule();
  }

  private async writeTally(caller: Caller, kind: string, tally: Tally): Promise<void> {
    const { origin, entry, ...repeated } = tally;
    try {
      await this.ports.write(origin, { ...entry, repeated });
    } catch (error) {
      this.ports.log.warn({ err: error, action: entry.action, ...repeated }, 'audit.refusals-not-written');
      const since = caller.kinds.get(kind);
      if (since === undefined || since.count === 0) caller.kinds.set(kind, tally);
      else Object.assign(since, { count: since.count + tally.count, firstAt: tally.firstAt });
    }
  }

  private callerOf(origin: AuditOrigin): Caller {
    let key = keyOf(origin);
    if (key.startsWith(STRANGER) && !this.callers.has(key)) {
      if (this.strangers >= STRANGERS) key = SOMEBODY;
      else this.strangers += 1;
    }
    const known = this.callers.get(key);
    if (known !== undefined) return known;
    const caller: Caller = { rows: FULL_ROWS, countedAt: this.ports.clock.monotonic(), kinds: new Map() };
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

const STRANGER = 'stranger ';
const SOMEBODY = 'somebody';
const VARIOUS: AuditEntry = { action: 'various', outcome: 'REFUSED', reason: 'VARIOUS' };

function keyOf({ principal, address }: AuditOrigin): string {
  switch (principal.kind) {
    case 'user':
      return `user ${principal.userId}`;
    case 'anonymous':
      return `${STRANGER}${address === undefined ? '' : addressGroup(address)}`;
    case 'agent':
    case 'gateway':
    case 'system':
      return describePrincipal(principal);
  }
}

/** One entry for two of a kind: about the same thing, or about nothing in particular. */
function joined(earlier: AuditEntry, later: AuditEntry): AuditEntry {
  if (earlier.action !== later.action || earlier.target?.id === later.target?.id) return earlier;
  const { target: _, ...rest } = earlier;
  return rest;
}
