import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AgentProcess } from '../kit/holdfast/agent-process.js';
import type { Api, Data } from '../kit/holdfast/api.js';
import { Fleet } from '../kit/holdfast/fleet.js';
import { HostileAgent, NO_COUNTERS } from '../kit/holdfast/hostile-agent.js';
import { readJob, waitForJob } from '../kit/holdfast/jobs.js';

const LARGEST = 2n ** 64n - 1n;
const LIES = Object.fromEntries(
  Object.keys(NO_COUNTERS).map((name) => [name, LARGEST]),
) as unknown as typeof NO_COUNTERS;

let fleet: Fleet;
let vaultId: string;
const hostile: HostileAgent[] = [];

beforeAll(async () => {
  fleet = await Fleet.start({ agents: 0 });
  vaultId = (await fleet.createVault('vault')).id;
});

afterAll(async () => {
  for (const agent of hostile) agent.close();
  await fleet?.stop();
});

/** An enrolled agent in hostile hands that holds a running backup. */
async function atWork(name: string) {
  const { folder, server, api, subscriptionId } = fleet;
  const enrolled = await AgentProcess.enroll(server, api, { folder, name, subscriptionId });
  const agent = new HostileAgent(server, enrolled);
  hostile.push(agent);
  await agent.connect('host\u001b[31m\r\nname');
  const itemId = await fleet.protect({ name, vaultId, root: '/srv', agent: enrolled });
  const { job } = await api.mutate('backupNow', { protectedItemId: itemId, type: 'FULL' }, 'job { id }');
  const { job: ref } = await agent.hear('startBackup');
  agent.say({ $case: 'jobAccepted', value: { job: ref } });
  return { agent, agentId: enrolled.id, jobId: job.id as string, ref };
}

async function until<T>(read: () => Promise<T>, good: (value: T) => boolean): Promise<T> {
  const deadline = performance.now() + 10_000;
  for (;;) {
    const value = await read();
    if (good(value)) return value;
    if (performance.now() > deadline) throw new Error(`still ${JSON.stringify(value)}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

describe('a hostile agent', () => {
  it('cannot spoil the list of jobs for everybody with what it reports', async () => {
    const { agent, agentId, jobId, ref } = await atWork('reporter');
    const report = { job: ref, counters: LIES, expectedBytes: LARGEST, expectedEntries: LARGEST, waitingFor: '' };
    agent.say({ $case: 'jobProgress', value: { ...report, phase: 99 as never } });
    const job = await until(
      () => readJob(fleet.api, jobId),
      ({ progress }: Data) => progress.bytesTotal !== '0',
    );
    expect(job.progress).toMatchObject({ phase: 'PREPARING', bytesTotal: String(2n ** 53n - 1n) });
    const { jobs } = await fleet.api.ask('{ jobs { edges { node { progress { phase expectedBytes rate } } } } }');
    expect(jobs.edges).not.toHaveLength(0);
    await fleet.api.mutate('revokeAgent', { agentId }, 'agent { status }');
    expect(await readJob(fleet.api, jobId)).toMatchObject({ state: 'FAILED', error: { code: 'FORBIDDEN' } });
  });

  it('cannot end a backup as if it were a restore, nor write to a terminal', async () => {
    const { agent, jobId, ref } = await atWork('liar');
    const notice = { path: Buffer.from('/x'), kind: 77 as never, message: 'a\u0000b\u001b[2Jc' };
    const restored = { notRestorable: LARGEST, damaged: 0n };
    agent.say({
      $case: 'jobFinished',
      value: {
        job: ref,
        counters: LIES,
        notices: [notice],
        noticesTotal: LARGEST,
        outcome: { $case: 'restore', value: restored },
      },
    });
    const job = await waitForJob(fleet.api, jobId, { timeoutMs: 10_000 });
    expect(job).toMatchObject({ state: 'FAILED', recoveryPoint: null });
    expect(job.notices).toEqual([{ path: '/x', kind: 'UNKNOWN', message: 'a b [2Jc' }]);
    const { agents } = await fleet.api.ask('{ agents { edges { node { hostName } } } }');
    for (const { node } of agents.edges) expect(node.hostName).toBe('host[31mname');
  });
});

describe('a user of one corner', () => {
  const OPERATIONS: Record<string, [input: string[], selection: string]> = {
    assignRole: [['userId', 'vaultId', 'subscriptionId'], 'roleAssignment { id }'],
    backupNow: [['protectedItemId'], 'job { id }'],
    cancelJob: [['jobId'], 'job { id }'],
    configureProtection: [['agentId', 'vaultId'], 'protectedItem { id }'],
    confirmRecoveryKit: [['vaultId'], 'vault { id }'],
    createApiToken: [['vaultId', 'subscriptionId'], 'token'],
    createEnrollmentToken: [['subscriptionId'], 'token'],
    createPolicy: [['subscriptionId'], 'policy { id }'],
    createVault: [['subscriptionId', 'regionId'], 'recoveryKit'],
    removeRoleAssignment: [['roleAssignmentId'], 'roleAssignmentId'],
    revokeAgent: [['agentId'], 'agent { id }'],
    stopProtection: [['protectedItemId'], 'protectedItem { id }'],
  };
  const REST: Record<string, object> = {
    assignRole: { role: 'OWNER' },
    backupNow: { type: 'FULL' },
    configureProtection: { name: 'x', files: { roots: ['/'] } },
    confirmRecoveryKit: { recoveryKit: 'HFK1' },
    createApiToken: { name: 'x', role: 'OWNER', expiresAt: new Date(Date.now() + 3_600_000).toISOString() },
    createEnrollmentToken: { agentName: 'x' },
    createPolicy: { name: 'x', schedule: { frequency: 'DAILY', at: '02:00', timeZone: 'UTC' } },
    createVault: { name: 'x' },
    stopProtection: { retainData: false },
  };
  const HIDDEN = /^(NOT_FOUND|FORBIDDEN)$/;
  const ids: Record<string, string> = {};

  async function signedInAs(name: string, role: string, scope: Record<string, string>): Promise<Api> {
    const password = `${name}-correct-horse-battery`;
    const { user } = await fleet.api.mutate('createUser', { name, password }, 'user { id }');
    await fleet.api.mutate('assignRole', { userId: user.id, role, ...scope }, 'roleAssignment { id }');
    ids[name] = user.id;
    return fleet.server.api((await fleet.server.api().mutate('signIn', { name, password }, 'token')).token);
  }

  const codeOf = (call: Promise<Data>): Promise<string> =>
    call.then(
      () => 'DONE',
      (error: { code: string }) => error.code,
    );

  beforeAll(async () => {
    const { agentId, jobId } = await atWork('secret');
    const { job } = await fleet.api.ask('query J($id: ID!) { job(id: $id) { protectedItem { id } } }', { id: jobId });
    const { me } = await fleet.api.ask('{ me { user { id } roleAssignments { id } } }');
    const { policy } = await fleet.api.mutate(
      'createPolicy',
      { subscriptionId: fleet.subscriptionId, ...REST.createPolicy, name: 'policy' },
      'policy { id }',
    );
    Object.assign(ids, {
      agentId,
      jobId,
      vaultId,
      protectedItemId: job.protectedItem.id,
      subscriptionId: fleet.subscriptionId,
      regionId: fleet.regionId,
      policyId: policy.id,
      userId: me.user.id,
      roleAssignmentId: me.roleAssignments[0].id,
    });
  });

  it('reaches nothing of another subscription, whatever it asks with whatever id', async () => {
    const { subscription } = await fleet.api.mutate('createSubscription', { name: 'corner' }, 'subscription { id }');
    const intruder = await signedInAs('intruder', 'OWNER', { subscriptionId: subscription.id });
    for (const [name, id] of Object.entries(ids)) {
      if (name === 'regionId' || name === 'intruder') continue;
      const { node } = await intruder.ask('query N($id: ID!) { node(id: $id) { id } }', { id });
      expect([name, node]).toEqual([name, null]);
    }
    for (const [mutation, [fields, selection]] of Object.entries(OPERATIONS)) {
      // One of the two scopes at a time.
      for (const left of fields.includes('vaultId') && fields.includes('subscriptionId')
        ? ['vaultId', 'subscriptionId']
        : ['']) {
        const given = fields.filter((field) => field !== left).map((field) => [field, ids[field]]);
        const code = await codeOf(
          intruder.mutate(mutation, { ...REST[mutation], ...Object.fromEntries(given) }, selection),
        );
        expect([mutation, code]).toEqual([mutation, expect.stringMatching(HIDDEN)]);
      }
    }
    expect(
      await codeOf(intruder.mutate('createUser', { name: 'y', password: 'long-enough-password' }, 'user { id }')),
    ).toBe('FORBIDDEN');
    expect(await codeOf(intruder.ask('{ auditEvents { edges { cursor } } }'))).toBe('FORBIDDEN');
    const filters = {
      jobs: 'agentId',
      protectedItems: 'vaultId',
      recoveryPoints: 'vaultId',
      policies: 'subscriptionId',
    };
    for (const [list, field] of Object.entries(filters)) {
      const seen = await intruder.ask(`{ ${list}(filter: { ${field}: "${ids[field]}" }) { edges { cursor } } }`);
      expect(seen[list].edges).toEqual([]);
    }
  });

  it('who owns one vault owns neither its subscription nor the server, also not by an empty id', async () => {
    const owner = await signedInAs('keeper', 'OWNER', { vaultId });
    const grant = (scope: object): Promise<string> =>
      codeOf(owner.mutate('assignRole', { userId: ids.keeper, role: 'OWNER', ...scope }, 'roleAssignment { id }'));
    expect(await grant({})).toBe('FORBIDDEN');
    expect(await grant({ subscriptionId: ids.subscriptionId })).toMatch(HIDDEN);
    expect(await grant({ vaultId: '' })).toBe('BAD_USER_INPUT');
    expect(await grant({ vaultId })).toBe('DONE');
    const byAdmin = fleet.api.mutate(
      'assignRole',
      { userId: ids.keeper, role: 'OWNER', subscriptionId: '' },
      'roleAssignment { id }',
    );
    expect(await codeOf(byAdmin)).toBe('BAD_USER_INPUT');
    const files = { roots: ['/'] };
    const configure = { agentId: ids.agentId, vaultId, name: 'all', files };
    expect(await codeOf(owner.mutate('configureProtection', configure, 'protectedItem { id }'))).toMatch(HIDDEN);
  });

  it('whose token is narrowed is told nothing beyond, and makes no other token', async () => {
    const { token } = await fleet.api.mutate(
      'createApiToken',
      { name: 'narrow', role: 'BACKUP_READER', vaultId, expiresAt: new Date(Date.now() + 3_600_000).toISOString() },
      'token',
    );
    const { subscription } = await fleet.api.mutate('createSubscription', { name: 'unseen' }, 'subscription { id }');
    await fleet.api.mutate(
      'assignRole',
      { userId: ids.userId, role: 'BACKUP_READER', subscriptionId: subscription.id },
      'roleAssignment { id }',
    );
    const narrow = fleet.server.api(token);
    const { me } = await narrow.ask(
      '{ me { tokenRole tokenScope { vault { id } } roleAssignments { id scope { subscription { name } } } } }',
    );
    expect(JSON.stringify(me)).not.toContain('unseen');
    expect(me.roleAssignments).toHaveLength(1);
    expect(me).toMatchObject({ tokenRole: 'BACKUP_READER', tokenScope: { vault: { id: vaultId } } });
    expect((await fleet.api.ask('{ me { tokenRole tokenScope { vault { id } } } }')).me).toEqual({
      tokenRole: null,
      tokenScope: null,
    });
    const { me: whole } = await fleet.api.ask('{ me { roleAssignments { id scope { subscription { name } } } } }');
    const unseen = whole.roleAssignments.find((each: Data) => each.scope.subscription?.name === 'unseen');
    const asked = narrow.ask('query N($id: ID!) { node(id: $id) { id } }', { id: unseen.id });
    expect((await asked).node).toBeNull();
    expect(await codeOf(narrow.mutate('createApiToken', { ...REST.createApiToken, vaultId }, 'token'))).toBe(
      'FORBIDDEN',
    );
    expect(
      await codeOf(narrow.mutate('backupNow', { protectedItemId: ids.protectedItemId, type: 'FULL' }, 'job { id }')),
    ).toBe('FORBIDDEN');
    expect(
      await codeOf(narrow.mutate('assignRole', { userId: ids.userId, role: 'OWNER' }, 'roleAssignment { id }')),
    ).toBe('FORBIDDEN');
  });
});
