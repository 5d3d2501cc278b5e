import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Fleet } from '../../kit/holdfast/fleet.js';
import { backUp, readJob, restoreTo, waitForJob } from '../../kit/holdfast/jobs.js';
import { TestLink } from '../../kit/link/test-link.js';
import { buildPlainTree } from '../../kit/tree/build-tree.js';
import { describeTree } from '../../kit/tree/describe-tree.js';
import { diffTrees } from '../../kit/tree/diff-trees.js';

const MB = 1_000_000;
/** What a connection that died without a word may cost. */
const NOTICED = { timeout: 60_000, interval: 100 };

let fleet: Fleet;
let source: string;
let item: string;

beforeAll(async () => {
  // Slow enough that the line dies in the middle of a transfer, whatever the machine is busy with.
  fleet = await Fleet.start({ link: new TestLink({ bytesPerSecond: 5 * MB, delayMs: 20, queueMs: 20 }) });
  source = fleet.newFolder('source');
  buildPlainTree(source, { files: 100, large: 5 });
  const vault = await fleet.createVault('vault');
  item = await fleet.protect({ name: 'item', vaultId: vault.id, root: source });
});

afterAll(async () => {
  await fleet?.stop();
});

async function attemptOf(jobId: string): Promise<number> {
  return (await fleet.api.ask('query J($id: ID!) { job(id: $id) { attempt } }', { id: jobId })).job.attempt;
}

async function agentStatus(): Promise<string> {
  const { agent } = await fleet.api.ask('query A($id: ID!) { agent(id: $id) { status } }', { id: fleet.agent().id });
  return agent.status;
}

/** Uploads that the gateway has given up so far. */
function givenUpByGateway(): number {
  const lines = fleet.server.process.output.split('\n');
  return lines.filter((line) => line.includes('DataService/UploadPack') && !line.includes('"status":"OK"')).length;
}

describe('connections that are half open', () => {
  it('are noticed by both sides within 60 s in a backup, which goes on over new ones', async () => {
    const { control, data } = fleet.doors;
    const jobId = await backUp(fleet.api, item, 'FULL');
    await expect.poll(() => data.delivered.up, { timeout: 60_000 }).toBeGreaterThan(8 * MB);
    const before = { made: data.made, delivered: data.delivered.up, given: givenUpByGateway(), control: control.made };
    data.freeze();
    control.freeze();
    await Promise.all([
      expect.poll(() => data.made, NOTICED).toBeGreaterThan(before.made),
      expect.poll(() => data.delivered.up, NOTICED).toBeGreaterThan(before.delivered + MB),
      expect.poll(() => control.made, NOTICED).toBeGreaterThan(before.control),
      expect.poll(() => givenUpByGateway(), NOTICED).toBeGreaterThan(before.given),
      expect.poll(() => fleet.server.process.output, NOTICED).toContain('agent.disconnected'),
    ]);
    const job = await waitForJob(fleet.api, jobId, { timeoutMs: 120_000 });
    expect(job).toMatchObject({ state: 'COMPLETED', error: null });
    expect(await attemptOf(jobId)).toBe(1);
  });

  it('are noticed within 60 s in a restore, which reads on over a new one', async () => {
    const { data } = fleet.doors;
    const point = await fleet.api.ask(
      'query P($filter: RecoveryPointFilter) { recoveryPoints(first: 1, filter: $filter) { edges { node { id } } } }',
      { filter: { protectedItemId: item } },
    );
    const target = path.join(fleet.folder, 'restored');
    const before = data.delivered.down;
    const recoveryPointId = point.recoveryPoints.edges[0].node.id;
    const jobId = await restoreTo(fleet.api, { recoveryPointId, path: target, base: source });
    await expect.poll(() => data.delivered.down, { timeout: 60_000 }).toBeGreaterThan(before + 8 * MB);
    const made = data.made;
    data.freeze();
    await expect.poll(() => data.made, NOTICED).toBeGreaterThan(made);
    const job = await waitForJob(fleet.api, jobId, { timeoutMs: 120_000 });
    expect(job).toMatchObject({ state: 'COMPLETED', error: null });
    expect(await attemptOf(jobId)).toBe(1);
    const privileged = process.getuid?.() === 0;
    expect(diffTrees(describeTree(source), describeTree(target), { privileged }).differences).toEqual([]);
  });

  it('make an idle agent offline within 60 s, and it comes back when the line does', async () => {
    const { control } = fleet.doors;
    expect(await agentStatus()).toBe('ONLINE');
    control.dead = true;
    control.freeze();
    await expect.poll(agentStatus, NOTICED).toBe('OFFLINE');
    control.dead = false;
    control.freeze();
    await expect.poll(agentStatus, { timeout: 120_000, interval: 100 }).toBe('ONLINE');
    const jobId = await backUp(fleet.api, item, 'INCREMENTAL');
    await waitForJob(fleet.api, jobId, { timeoutMs: 60_000 });
    expect(await readJob(fleet.api, jobId)).toMatchObject({ state: 'COMPLETED' });
  });
});
