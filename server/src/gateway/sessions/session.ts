import type { Clock } from '@holdfast/core/clock';
import type { HoldfastError } from '@holdfast/core/errors';
import type { Pace } from '../../platform/pace.js';
import { CopySet } from '../chunk-index/copy-set.js';
import type { JobRef, SessionGrant } from '../coordination/coordination.js';
import type { Turn, Turns } from '../turn.js';
import type { OpenVault } from '../vault-stores/open-vault.js';
import { OpenNodes } from './open-nodes.js';
import type { PackReceiver } from './receive-pack.js';
import { notNow, tooMany } from './refusals.js';

export interface SessionPorts {
  readonly clock: Clock;
  readonly turns: Turns;
  readonly fruitless: Pace;
}

/** `waiting`: for a place among all calls of its kind. */
export type SessionLane = 'question' | 'read' | 'upload' | 'commit' | 'waiting';

/**
 * One agent at work on one job under one lease. A session lives in memory: a gateway that starts
 * anew knows none, and the agent opens another. What it proved stays in the index.
 */
export class Session {
  /** Copies that this backup may refer to: uploaded in it, or asked about with a claim and answered yes. */
  readonly known = new CopySet();
  readonly openNodes = new OpenNodes();
  /** Backup: copies that count for nothing new of this agent (`hearComplaint`). */
  readonly doubted: ReadonlySet<number>;
  /** Numbers of packs whose chunks this backup may refer to: each is taken in once, however often it is sent. */
  readonly takenIn = new Set<number>();
  /** Restore: copies of chunks that may be read, and nodes among them whose edges were followed already. */
  readonly allowed = new CopySet();
  readonly expanded = new CopySet();
  /** Restore: the walk that allows everything below the root, once it was needed. */
  wholeWalk: Promise<void> | undefined;
  /** Uploads under way, by pack id. */
  readonly uploads = new Map<string, PackReceiver>();
  committed: { readonly root: Buffer; readonly pointId: string } | undefined;
  /** Monotonic milliseconds. */
  lastUsed: number;

  private readonly busy = new Map<SessionLane, number>();
  private readonly ending = new AbortController();

  constructor(
    readonly id: string,
    /** Number in the vault's index. */
    readonly number: number,
    readonly agentId: string,
    readonly job: JobRef,
    readonly grant: SessionGrant,
    readonly vault: OpenVault,
    private readonly ports: SessionPorts,
  ) {
    this.lastUsed = ports.clock.monotonic();
    this.doubted = vault.index.doubtsOf(agentId);
  }

  /** A piece of long work in this session; all of one agent's sessions have one turn together. */
  turn(): Turn {
    return this.ports.turns.of(this.agentId);
  }

  /** In how many milliseconds its agent may try again what came to nothing very often; 0 usually. */
  get triesAgainInMs(): number {
    return this.ports.fruitless.roomInMs(this.agentId);
  }

  /** Something cost so many milliseconds of the thread and came to nothing. */
  wasFruitless(ms: number): void {
    this.ports.fruitless.spend(this.agentId, ms);
  }

  get domainId(): string {
    return this.grant.domainId;
  }

  /** Fires when the session ends; the reason is a HoldfastError. */
  get signal(): AbortSignal {
    return this.ending.signal;
  }

  get isBusy(): boolean {
    return [...this.busy.values()].some((count) => count > 0);
  }

  requireKind(kind: SessionGrant['kind']): void {
    if (this.grant.kind !== kind) throw notNow('WRONG_SESSION_KIND', `This is a ${this.grant.kind} session.`);
  }

  /** Throws the reason once the session is over: nothing may be made durable in its name any more. */
  assertOpen(): void {
    this.ending.signal.throwIfAborted();
  }

  end(reason: HoldfastError): void {
    if (!this.ending.signal.aborted) this.ending.abort(reason);
  }

  /** A session whose calls wait for others is not idle. */
  async waitingFor<T>(wait: () => Promise<T>): Promise<T> {
    const leave = this.enter('waiting', Number.POSITIVE_INFINITY);
    try {
      return await wait();
    } finally {
      leave();
    }
  }

  /** Takes a place in a lane with room for `limit`; the returned function gives it back. */
  enter(lane: SessionLane, limit: number): () => void {
    this.assertOpen();
    const count = this.busy.get(lane) ?? 0;
    if (count >= limit)
      throw tooMany('TOO_MANY_AT_ONCE', `A session may have ${limit} of these calls under way at a time (${lane}).`);
    this.busy.set(lane, count + 1);
    let left = false;
    return () => {
      if (left) return;
      left = true;
      this.busy.set(lane, (this.busy.get(lane) ?? 1) - 1);
      this.lastUsed = this.ports.clock.monotonic();
    };
  }
}
