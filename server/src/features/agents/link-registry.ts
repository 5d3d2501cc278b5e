import type { Timers } from '@holdfast/core/clock';
import { HoldfastError } from '@holdfast/core/errors';
import type { AgentConnections, AgentLink } from './services.js';

interface Entry {
  readonly link: AgentLink;
  /** Of the agent at its other end. */
  readonly instance: string;
  ready: boolean;
  lastSeenAt: number;
  /** Called when it is heard, and when it is not the agent's any more. */
  readonly onSign: Set<(isAlive: boolean) => void>;
}

interface Departed {
  readonly instance: string;
  readonly lastSeenAt: number;
  readonly forGood: boolean;
}

/** An agent says something every five seconds. */
const SIGN_OF_LIFE_MS = 10_000;
/** An agent that lost its stream is back after so long: it waits a minute at most. */
export const RETURN_MS = 65_000;

/** Whether an instance of an agent may have its place: another one `isThere`, or `mayReturn` at any moment; after a start, it is for who had it `last` alone. */
export type Place = 'isFree' | 'isOfLast' | 'isThere' | 'mayReturn';

export interface Claim {
  readonly agentId: string;
  readonly instance: string;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  readonly timers: Timers;
}

/**
 * Control streams by agent: the newest one of an instance counts. One instance of an agent is one state folder on one running system; there is another if its host was
 * started anew, or if there is a copy of it, and what is backed up of one must not be taken for the other's.
 */
export class LinkRegistry implements AgentConnections {
  /** Those that have no place yet among them. */
  private readonly streams = new Set<AgentLink>();
  private readonly entries = new Map<string, Entry>();
  private readonly departed = new Map<string, Departed>();
  private over: HoldfastError | undefined;

  /** @param startedAt when this process was started: who had a place before is expected back */
  constructor(private readonly startedAt = Number.NEGATIVE_INFINITY) {}

  /** A stream was opened; until it has a place, all that can happen to it is its end. */
  opened(link: AgentLink): void {
    this.streams.add(link);
    if (this.over) link.end(this.over);
  }

  /** Waits for a sign of life of whoever has the place. */
  async placeFor(claim: Claim): Promise<Place> {
    const { agentId, instance, timers } = claim;
    for (;;) {
      const holder = this.entries.get(agentId);
      if (holder === undefined) return this.placeOfNobody(claim);
      if (holder.instance === instance) return 'isFree';
      const isAlive = await signOf(holder, timers);
      if (isAlive === undefined) return 'mayReturn';
      if (isAlive) return 'isThere';
    }
  }

  /** The stream gets its place. It ends the agent's older one, and gets commands once it is ready. */
  attach(link: AgentLink, instance: string, now: number): void {
    const older = this.entries.get(link.agentId);
    this.departed.delete(link.agentId);
    this.entries.set(link.agentId, { link, instance, ready: false, lastSeenAt: now, onSign: new Set() });
    if (older) tell(older, false);
    older?.link.end(
      new HoldfastError({
        kind: 'Locked',
        code: 'NEWER_STREAM',
        message: 'A newer stream of the same agent took over.',
      }),
    );
  }

  /** False when the stream is no longer the agent's: it must not be answered. */
  markReady(link: AgentLink): boolean {
    const entry = this.entryOf(link);
    if (entry) entry.ready = true;
    return entry !== undefined;
  }

  heard(link: AgentLink, now: number): void {
    const entry = this.entryOf(link);
    if (!entry) return;
    entry.lastSeenAt = now;
    tell(entry, true);
  }

  /** A stream has ended. With a goodbye its agent is not expected back. */
  closed(link: AgentLink, saidGoodbye: boolean): void {
    this.streams.delete(link);
    const entry = this.entryOf(link);
    if (!entry) return;
    const { instance, lastSeenAt } = entry;
    this.entries.delete(link.agentId);
    this.departed.set(link.agentId, { instance, lastSeenAt, forGood: saidGoodbye });
    tell(entry, false);
  }

  ready(agentId: string): AgentLink | undefined {
    const entry = this.entries.get(agentId);
    return entry?.ready === true ? entry.link : undefined;
  }

  attached(agentId: string): AgentLink | undefined {
    return this.entries.get(agentId)?.link;
  }

  readyIds(): string[] {
    return [...this.entries].filter(([, { ready }]) => ready).map(([agentId]) => agentId);
  }

  lastSeenAt(agentId: string): number | undefined {
    return this.entries.get(agentId)?.lastSeenAt;
  }

  end(agentId: string, reason: HoldfastError): void {
    for (const link of [...this.streams]) if (link.agentId === agentId) link.end(reason);
  }

  /** All streams, also those that are still to come. */
  endAll(reason: HoldfastError): void {
    this.over = reason;
    for (const link of [...this.streams]) link.end(reason);
  }

  private placeOfNobody({ agentId, instance, now }: Claim): Place {
    const departed = this.departed.get(agentId);
    if (departed === undefined) return now() - this.startedAt < RETURN_MS ? 'isOfLast' : 'isFree';
    const isAwaited = !departed.forGood && departed.instance !== instance && now() - departed.lastSeenAt < RETURN_MS;
    return isAwaited ? 'mayReturn' : 'isFree';
  }

  private entryOf(link: AgentLink): Entry | undefined {
    const entry = this.entries.get(link.agentId);
    return entry?.link === link ? entry : undefined;
  }
}

/** Undefined if there was none in time. */
function signOf(holder: Entry, timers: Timers): Promise<boolean | undefined> {
  return new Promise((resolve) => {
    const settle = (isAlive?: boolean): void => {
      cancel();
      holder.onSign.delete(settle);
      resolve(isAlive);
    };
    const cancel = timers.after(SIGN_OF_LIFE_MS, () => settle());
    holder.onSign.add(settle);
  });
}

function tell(entry: Entry, isAlive: boolean): void {
  for (const settle of [...entry.onSign]) settle(isAlive);
}
