import type { Timers } from '@holdfast/core/clock';
import { HoldfastError } from '@holdfast/core/errors';
import type { AgentConnections, AgentLink } from './services.js';

interface Entry {
  readonly link: AgentLink;
  /** Of the running agent at its other end. */
  readonly instance: string;
  ready: boolean;
  lastSeenAt: number;
  /** Called when it is heard, and when it is not the agent's any more. */
  readonly onSign: Set<(isAlive: boolean) => void>;
}

/** An agent says something every five seconds. */
const SIGN_OF_LIFE_MS = 10_000;

/** Control streams by agent: the newest of a running agent counts, and a running agent before any other that shows its certificate. */
export class LinkRegistry implements AgentConnections {
  private readonly entries = new Map<string, Entry>();

  /**
   * Whether the agent's place is free for this instance of it. Another one that has it keeps it if it gives a sign of life: then there is a copy of its
   * host, and what is backed up of one must not be taken for the other's.
   */
  async mayAttach(agentId: string, instance: string, timers: Timers): Promise<boolean> {
    for (;;) {
      const holder = this.entries.get(agentId);
      if (holder === undefined || holder.instance === instance) return true;
      const isAlive = await signOf(holder, timers);
      if (isAlive === undefined) return true;
      if (isAlive) return false;
    }
  }

  /** A new stream. It ends the agent's older one, and gets commands once it is ready. */
  attach(link: AgentLink, instance: string, now: number): void {
    const older = this.entries.get(link.agentId);
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

  detach(link: AgentLink): void {
    const entry = this.entryOf(link);
    if (!entry) return;
    this.entries.delete(link.agentId);
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
    this.entries.get(agentId)?.link.end(reason);
  }

  endAll(reason: HoldfastError): void {
    for (const { link } of [...this.entries.values()]) link.end(reason);
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
