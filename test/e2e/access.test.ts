import fs from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Api } from '../kit/holdfast/api.js';
import { runProgram } from '../kit/holdfast/background-process.js';
import { Fleet } from '../kit/holdfast/fleet.js';

let fleet: Fleet;
let vaultId: string;
let itemId: string;
let pointId: string;

beforeAll(async () => {
  fleet = await Fleet.start({ agents: 2 });
  const source = fleet.newFolder('source');
  fs.writeFileSync(path.join(source, 'file'), 'content');
  vaultId = (await fleet.createVault('vault')).id;
  itemId = await fleet.protect({ name: 'item', vaultId, root: source });
  pointId = (await fleet.backUp(itemId)).recoveryPoint.id;
});

afterAll(async () => {
  await fleet?.stop();
});

async function signedInAs(name: string, role: string, scope: Record<string, string>): Promise<Api> {
  const password = `${name}-correct-horse-battery`;
  const { user } = await fleet.api.mutate('createUser', { name, password }, 'user { id }');
  await fleet.api.mutate('assignRole', { userId: user.id, role, ...scope }, 'roleAssignment { id }');
  const { token } = await fleet.server.api().mutate('signIn', { name, password }, 'token');
  return fleet.server.api(token);
}

async function refusals(
  action: string,
): Promise<Array<{ actor: string; action: string; outcome: string; reason: string }>> {
  const data = await fleet.api.ask(
    'query Audit($filter: AuditEventFilter) { auditEvents(first: 200, filter: $filter) { edges { node { actor action outcome reason } } } }',
    { filter: { action } },
  );
  return data.auditEvents.edges
    .map((edge: { node: { outcome: string } }) => edge.node)
    .filter((event: { outcome: string }) => event.outcome !== 'SUCCEEDED');
}

const forbidden = { code: expect.stringMatching(/^(FORBIDDEN|NOT_FOUND)$/) };

describe('access control', () => {
  it('lets a reader look and refuses everything else, with an audit event for each refusal', async () => {
    const reader = await signedInAs('reader', 'BACKUP_READER', { subscriptionId: fleet.subscriptionId });
    const seen = await reader.ask('{ vaults { edges { node { id } } } protectedItems { edges { node { id } } } }');
    expect(seen.vaults.edges).toHaveLength(1);
    expect(seen.protectedItems.edges).toHaveLength(1);

    await expect(
      reader.mutate('backupNow', { protectedItemId: itemId, type: 'FULL' }, 'job { id }'),
    ).rejects.toMatchObject({ code: 'FORBIDDEN' });
    await expect(
      reader.mutate('triggerRestore', { recoveryPointId: pointId, mode: 'ORIGINAL_LOCATION' }, 'job { id }'),
    ).rejects.toMatchObject({ code: 'FORBIDDEN' });
    await expect(reader.mutate('deleteRecoveryPoint', { recoveryPointId: pointId }, 'notice')).rejects.toMatchObject({
      code: 'FORBIDDEN',
    });
    await expect(
      reader.mutate('createUser', { name: 'x', password: 'a-long-enough-password' }, 'user { id }'),
    ).rejects.toMatchObject({ code: 'FORBIDDEN' });
    await expect(
      reader.ask('query B($id: ID!) { browseRecoveryPoint(id: $id) { edges { node { name } } } }', { id: pointId }),
    ).rejects.toMatchObject({ code: 'FORBIDDEN' });
    for (const action of ['backupNow', 'triggerRestore', 'deleteRecoveryPoint', 'createUser']) {
      expect(
        (await refusals(action)).map((event) => event.actor),
        action,
      ).toContain('reader');
    }
  });

  it('hides a vault from those who have no role on it, through every door', async () => {
    const { subscription } = await fleet.api.mutate('createSubscription', { name: 'other' }, 'subscription { id }');
    const stranger = await signedInAs('stranger', 'OWNER', { subscriptionId: subscription.id });
    const seen = await stranger.ask(
      '{ vaults { edges { node { id } } } jobs { edges { node { id } } } agents { edges { node { id } } } recoveryPoints { edges { node { id } } } }',
    );
    expect([seen.vaults, seen.jobs, seen.agents, seen.recoveryPoints].map((list) => list.edges)).toEqual([
      [],
      [],
      [],
      [],
    ]);
    for (const id of [vaultId, itemId, pointId, fleet.agent().id, fleet.subscriptionId]) {
      const answer = await stranger
        .ask('query N($id: ID!) { node(id: $id) { id } }', { id })
        .catch((error: { code: string }) => error);
      expect(answer.code ?? answer.node).toSatisfy(
        (value: unknown) => value === null || value === 'NOT_FOUND' || value === 'FORBIDDEN',
      );
    }
    await expect(
      stranger.mutate('backupNow', { protectedItemId: itemId, type: 'FULL' }, 'job { id }'),
    ).rejects.toMatchObject(forbidden);
    await expect(stranger.mutate('revokeAgent', { agentId: fleet.agent().id }, 'agent { id }')).rejects.toMatchObject(
      forbidden,
    );
  });

  it('lets a restore operator restore, but not back up or delete', async () => {
    const operator = await signedInAs('restorer', 'RESTORE_OPERATOR', { subscriptionId: fleet.subscriptionId });
    await expect(
      operator.mutate('backupNow', { protectedItemId: itemId, type: 'FULL' }, 'job { id }'),
    ).rejects.toMatchObject({ code: 'FORBIDDEN' });
    const target = { agentId: fleet.agent(1).id, path: path.join(fleet.folder, 'by-operator') };
    const { job } = await operator.mutate(
      'triggerRestore',
      { recoveryPointId: pointId, mode: 'ALTERNATE_LOCATION', target },
      'job { id }',
    );
    await expect
      .poll(
        async () => (await operator.ask('query J($id: ID!) { job(id: $id) { state } }', { id: job.id })).job.state,
        { timeout: 60_000 },
      )
      .toBe('COMPLETED');
  });

  it('answers nothing to who has not signed in, or whose token is wrong', async () => {
    for (const api of [fleet.server.api(), fleet.server.api('hft_wrong')]) {
      await expect(api.ask('{ vaults { edges { node { id } } } }')).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
    }
    await expect(
      fleet.server.api().mutate('signIn', { name: 'admin', password: 'wrong' }, 'token'),
    ).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
    expect((await refusals('signIn')).length).toBeGreaterThan(0);
  });

  it('takes an enrolment token once, and none that was made up', async () => {
    const { token } = await fleet.api.mutate(
      'createEnrollmentToken',
      { subscriptionId: fleet.subscriptionId, agentName: 'once' },
      'token',
    );
    const enroll = (given: string, state: string): Promise<{ code: number; stderr: string }> =>
      runProgram('holdfast-agent', [
        'enroll',
        '--server',
        fleet.server.addresses.enrollGrpc,
        '--token',
        given,
        '--state',
        path.join(fleet.folder, state),
      ]);
    expect((await enroll(token, 'once')).code).toBe(0);
    const again = await enroll(token, 'twice');
    expect(again.code).toBe(20);
    expect(again.stderr).toMatch(/used/i);
    const [version, , fingerprint] = token.split('.');
    expect(
      (await enroll([version, Buffer.alloc(32, 7).toString('base64url'), fingerprint].join('.'), 'made-up')).code,
    ).toBe(20);
    const wrongServer = await enroll(
      [version, Buffer.alloc(32, 7).toString('base64url'), Buffer.alloc(32, 9).toString('base64url')].join('.'),
      'wrong-server',
    );
    expect(wrongServer.code).not.toBe(0);
    expect((await refusals('enrollAgent')).length).toBeGreaterThanOrEqual(2);
  });

  it('ends the stream of a revoked agent, refuses its certificate, and fails its jobs with the reason', async () => {
    const agent = fleet.agent(1);
    await fleet.api.mutate('revokeAgent', { agentId: agent.id }, 'agent { status }');
    await expect
      .poll(
        async () =>
          (await fleet.api.ask('query A($id: ID!) { agent(id: $id) { status } }', { id: agent.id })).agent.status,
        { timeout: 10_000 },
      )
      .toBe('REVOKED');
    await expect(
      fleet.api.mutate(
        'triggerRestore',
        { recoveryPointId: pointId, mode: 'ALTERNATE_LOCATION', target: { agentId: agent.id, path: '/nowhere' } },
        'job { id }',
      ),
    ).rejects.toMatchObject({ code: expect.stringMatching(/FAILED_PRECONDITION|BAD_USER_INPUT/) });
  });
});
