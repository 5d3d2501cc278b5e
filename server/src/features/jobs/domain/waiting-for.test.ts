import { describe, expect, it } from 'vitest';
import type { Job } from './job.js';
import { type Surroundings, waitingFor } from './waiting-for.js';

const job = (overrides: Partial<Job> = {}): Job => ({
  id: 'j',
  kind: 'BACKUP',
  state: 'QUEUED',
  subscriptionId: 's',
  vaultId: 'v',
  protectedItemId: 'i',
  agentId: 'a',
  requestedBy: 'user:u',
  payload: {},
  attempt: 1,
  epoch: 0,
  notBefore: 0,
  createdAt: 0,
  noticesTotal: 0,
  ...overrides,
});
const around = (overrides: Partial<Surroundings> = {}): Surroundings => ({
  now: 1_000,
  agentConnected: true,
  activeJobsOfAgent: 0,
  ...overrides,
});

describe('what a queued job waits for', () => {
  it.each<[string, Job, Surroundings]>([
    ['It is about to start.', job(), around()],
    ['The agent is not connected.', job(), around({ agentConnected: false })],
    ['Another restore of the same item is under way.', job(), around({ activeJobOfItem: { kind: 'RESTORE' } })],
    ['The agent is busy with 4 jobs.', job(), around({ activeJobsOfAgent: 4 })],
    ['Attempt 2 starts in 4 s.', job({ attempt: 2, notBefore: 5_000 }), around()],
  ])('%s', (words, queued, surroundings) => {
    expect(waitingFor(queued, surroundings)).toBe(words);
  });

  it('is nothing once it does not wait', () => {
    expect(waitingFor(job({ state: 'RUNNING', notBefore: 5_000 }), around())).toBeUndefined();
  });
});
