import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AgentProcess } from '../kit/holdfast/agent-process.js';
import type { Data } from '../kit/holdfast/api.js';
import { Fleet } from '../kit/holdfast/fleet.js';
import { HostileAgent, NO_COUNTERS } from '../kit/holdfast/hostile-agent.js';
import { readJob, waitForJob } from '../kit/holdfast/jobs.js';

const LARGEST = 2n ** 64n - 1n;
const LIES = Object.fromEntries(Object.keys(NO_COUNTERS).map((name) => [name, LARGEST])) as typeof NO_COUNTERS;

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
    const report = { job: ref, counters: LIES, expectedBytes: LARGEST, expectedEntries: LARGEST };
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
    const restored = { notRestorable: LARGEST, skipped: LARGEST, damaged: 0n };
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
