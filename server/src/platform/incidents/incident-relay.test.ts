import { ManualClock } from '@holdfast/core/clock';
import { HoldfastError } from '@holdfast/core/errors';
import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import type { CountedIncident, Incident } from './incident.js';
import { INCIDENT_RETRY_MS, INCIDENT_WINDOW_MS, IncidentRelay } from './incident-relay.js';

const incident: Incident = { agentId: 'mallory', kind: 'readChunks', reason: 'CHUNK_NOT_REACHABLE', jobId: 'first' };

function relayTo(deliver: (incident: CountedIncident) => Promise<void>) {
  const clock = new ManualClock();
  return { clock, relay: new IncidentRelay({ timers: clock, log: pino({ level: 'silent' }), deliver }) };
}

describe('an incident relay', () => {
  it('passes the first on at once and what is repeated as one with a count', async () => {
    const delivered: CountedIncident[] = [];
    const { clock, relay } = relayTo(async (each) => void delivered.push(each));
    for (let time = 0; time < 1_000; time++) relay.report({ ...incident, jobId: `job ${time}` });
    await clock.advance(1);
    expect(delivered).toEqual([{ ...incident, jobId: 'job 0', count: 1 }]);
    await clock.advance(INCIDENT_WINDOW_MS);
    expect(delivered.slice(1)).toEqual([{ ...incident, jobId: 'job 999', count: 999 }]);
    await clock.advance(INCIDENT_WINDOW_MS);
    relay.report(incident);
    await clock.advance(1);
    expect(delivered.slice(2)).toEqual([{ ...incident, count: 1 }]);
  });

  it('tells agents, kinds and reasons apart', async () => {
    const delivered: CountedIncident[] = [];
    const { clock, relay } = relayTo(async (each) => void delivered.push(each));
    const others = [{ agentId: 'eve' }, { kind: 'commit' as const }, { reason: 'AGENT_REVOKED' }];
    for (const other of others) relay.report({ ...incident, ...other });
    await clock.advance(1);
    expect(delivered.map(({ count }) => count)).toEqual([1, 1, 1]);
  });

  it('keeps what could not be delivered until control is back, and gives up what is refused', async () => {
    const delivered: CountedIncident[] = [];
    let failure: HoldfastError | undefined = new HoldfastError({ kind: 'Unavailable', code: 'AWAY', message: 'Away.' });
    const { clock, relay } = relayTo(async (each) => {
      if (failure) throw failure;
      delivered.push(each);
    });
    relay.report(incident);
    await clock.advance(INCIDENT_RETRY_MS);
    relay.report(incident);
    failure = undefined;
    await clock.advance(INCIDENT_RETRY_MS);
    expect(delivered).toEqual([{ ...incident, count: 2 }]);

    failure = new HoldfastError({ kind: 'Validation', code: 'BAD', message: 'Bad.' });
    relay.report({ ...incident, agentId: 'eve' });
    await clock.advance(INCIDENT_RETRY_MS);
    failure = undefined;
    await clock.advance(3 * INCIDENT_WINDOW_MS);
    expect(delivered).toHaveLength(1);
    expect(clock.waiting).toBe(0);
  });
});
