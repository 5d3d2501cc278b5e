import { afterAll, beforeAll, expect, it } from 'vitest';
import { openTestDatabase, type TestDatabase } from '../../../platform/db/testing.js';
import type { CountedIncident } from '../../../platform/incidents/incident.js';
import type { Principal } from '../../access/domain/principal.js';
import { recordIncident } from './record-incident.js';

const AGENT = '01901234-5678-7abc-8def-0123456789ab';
const JOB = '01901234-5678-7abc-8def-0123456789ac';
const incident: CountedIncident = { agentId: AGENT, kind: 'readChunks', reason: 'CHUNK_NOT_REACHABLE', count: 1 };
const gateway: Principal = { kind: 'gateway', gatewayId: JOB };

let db: TestDatabase;
beforeAll(async () => {
  db = await openTestDatabase({ dialect: 'sqlite', file: ':memory:' });
});
afterAll(() => db.orm.close(true));

it('writes an incident in the name of the agent, with how often and what it was about', async () => {
  await recordIncident(db.context({ principal: gateway }), { ...incident, jobId: JOB, count: 17 });
  await recordIncident(db.context({ principal: gateway }), { ...incident, kind: 'verifyCopy', vaultId: JOB });
  const page = await db.unitOfWork.run((stores) => stores.audit.list({ actor: `agent:${AGENT}` }, { first: 10 }));
  expect(
    page.items.map(({ item }) => [item.action, item.outcome, item.reason, item.targetType, item.repeated.count]),
  ).toEqual(
    expect.arrayContaining([
      ['readChunks', 'REFUSED', 'CHUNK_NOT_REACHABLE', 'Job', 17],
      ['verifyCopy', 'FAILED', 'CHUNK_NOT_REACHABLE', 'Vault', 1],
    ]),
  );
});

it.each<[string, Principal, Partial<CountedIncident>, string]>([
  ['an agent', { kind: 'agent', agentId: AGENT }, {}, 'Forbidden'],
  ['a reason that is no code', gateway, { reason: 'password is hunter2' }, 'Validation'],
  ['a count of none', gateway, { count: 0 }, 'Validation'],
])('refuses %s', async (_, principal, change, kind) => {
  await expect(recordIncident(db.context({ principal }), { ...incident, ...change })).rejects.toMatchObject({ kind });
});
