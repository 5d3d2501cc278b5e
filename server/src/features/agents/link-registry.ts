import { HoldfastError } from '@holdfast/core/errors';
import type { AgentConnections, AgentLink } from './services.js';

interface Entry {
  readonly link: AgentLink;
  ready: boolean;
  lastSeenAt: number;
}

/** Control streams by agent: the newest counts. */
export class LinkRegistry implements AgentConnections {
  private readonly entries = new Map<string, Entry>();

  /** A new stream. It ends the agent's older one, and gets commands once it is ready. */
  attach(link: AgentLink, now: number): void {
    const older = this.entries.get(link.agentId);
    this.entries.set(link.agentId, { link, ready: false, lastSeenAt: now });
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
    if (entry) entry.lastSeenAt = now;
  }

  detach(link: AgentLink): void {
    if (this.entryOf(link)) this.entries.delete(link.agentId);
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
