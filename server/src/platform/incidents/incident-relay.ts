import type { Timers } from '@holdfast/core/clock';
import { asHoldfastError, type ErrorKind } from '@holdfast/core/errors';
import type { Log } from '../telemetry/log.js';
import type { CountedIncident, Incident } from './incident.js';

/** Between two reports of the same thing by the same agent. */
export const INCIDENT_WINDOW_MS = 60_000;
export const INCIDENT_RETRY_MS = 5_000;
const MOST_WAITING = 1_000;
const WORTH_A_RETRY: readonly ErrorKind[] = ['Unavailable', 'Timeout', 'Internal', 'Locked', 'RateLimited'];

export interface IncidentRelayPorts {
  readonly timers: Timers;
  readonly log: Log;
  readonly deliver: (incident: CountedIncident) => Promise<void>;
}

interface Tally {
  latest: Incident;
  undelivered: number;
  cancel: () => void;
}

/**
 * Passes incidents on to the audit log: the first at once, and whatever the same agent repeats in the next minute as
 * one with a count, so that an attacker fills nothing. What cannot be delivered is kept and tried again while this
 * process lives; the log has it in any case.
 */
export class IncidentRelay {
  private readonly tallies = new Map<string, Tally>();
  private stopped = false;

  constructor(private readonly ports: IncidentRelayPorts) {}

  report(incident: Incident): void {
    if (this.stopped) return;
    const key = `${incident.agentId} ${incident.kind} ${incident.reason}`;
    const known = this.tallies.get(key);
    if (known !== undefined) {
      known.latest = incident;
      known.undelivered += 1;
      return;
    }
    this.ports.log.warn({ ...incident }, 'agent.incident');
    if (this.tallies.size >= MOST_WAITING) return;
    const tally: Tally = { latest: incident, undelivered: 1, cancel: () => undefined };
    this.tallies.set(key, tally);
    void this.pass(key, tally);
  }

  stop(): void {
    this.stopped = true;
    for (const { cancel } of this.tallies.values()) cancel();
    this.tallies.clear();
  }

  private async pass(key: string, tally: Tally): Promise<void> {
    if (tally.undelivered === 0) {
      this.tallies.delete(key);
      return;
    }
    const count = tally.undelivered;
    tally.undelivered = 0;
    let waitMs = INCIDENT_WINDOW_MS;
    try {
      await this.ports.deliver({ ...tally.latest, count });
    } catch (error) {
      const { kind, code } = asHoldfastError(error);
      this.ports.log.warn({ ...tally.latest, count, code }, 'agent.incident-not-delivered');
      if (WORTH_A_RETRY.includes(kind)) {
        tally.undelivered += count;
        waitMs = INCIDENT_RETRY_MS;
      }
    }
    if (this.stopped) return;
    tally.cancel = this.ports.timers.after(waitMs, () => void this.pass(key, tally));
  }
}
