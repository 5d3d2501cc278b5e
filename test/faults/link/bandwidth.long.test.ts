import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Fleet } from '../../kit/holdfast/fleet.js';
import { backUp, restoreTo, waitForJob } from '../../kit/holdfast/jobs.js';
import { TestLink } from '../../kit/link/test-link.js';
import { buildPlainTree } from '../../kit/tree/build-tree.js';

const MB = 1_000_000;
const ALL_WEEK = ['MONDAY', 'TUESDAY', 'WEDNESDAY', 'THURSDAY', 'FRIDAY', 'SATURDAY', 'SUNDAY'];
const JOB = { timeoutMs: 120_000 };

let fleet: Fleet;
let source: string;
let item: string;
let pointId: string;

beforeAll(async () => {
  fleet = await Fleet.start({ link: new TestLink({ bytesPerSecond: 100 * MB, delayMs: 10, queueMs: 10 }) });
  source = fleet.newFolder('source');
  buildPlainTree(source, { files: 200, large: 10 });
  const vault = await fleet.createVault('vault');
  item = await fleet.protect({ name: 'item', vaultId: vault.id, root: source });
});

afterAll(async () => {
  await fleet?.stop();
});

async function limit(input: Record<string, unknown>): Promise<void> {
  await fleet.api.mutate('setAgentBandwidth', { agentId: fleet.agent().id, ...input }, 'agent { id }');
}

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/**
 * Megabytes per second on the line, once what was under way before has passed. Each question of a restore has a window of a quarter of
 * a second filled at once, and then paid off: over some seconds that comes to a few per cent.
 */
async function rateOf(way: 'up' | 'down'): Promise<number> {
  const { data } = fleet.doors;
  await sleep(1_000);
  const [before, startedAt] = [data.delivered[way], performance.now()];
  await sleep(way === 'up' ? 5_000 : 10_000);
  return (data.delivered[way] - before) / MB / ((performance.now() - startedAt) / 1000);
}

function expectWithin5Percent(rate: number, expected: number): void {
  expect(rate).toBeGreaterThan(expected * 0.95);
  expect(rate).toBeLessThan(expected * 1.05);
}

describe("an agent's bandwidth limits", () => {
  it('hold on the line in a backup, and change while it runs', async () => {
    const { data } = fleet.doors;
    await limit({ uploadBytesPerSecond: String(2 * MB) });
    const jobId = await backUp(fleet.api, item, 'FULL');
    await expect.poll(() => data.delivered.up, { timeout: 30_000 }).toBeGreaterThan(MB);
    expectWithin5Percent(await rateOf('up'), 2);
    // A window that holds now overrules what holds otherwise.
    const always = { weekdays: ALL_WEEK, from: '00:00', to: '00:00', timeZone: 'Pacific/Chatham' };
    const window = { ...always, uploadBytesPerSecond: String(4 * MB) };
    await limit({ uploadBytesPerSecond: String(2 * MB), windows: [window] });
    expectWithin5Percent(await rateOf('up'), 4);
    await limit({});
    const job = await waitForJob(fleet.api, jobId, JOB);
    expect(job).toMatchObject({ state: 'COMPLETED', error: null });
    expect(Number(job.progress.bytesSent)).toBeGreaterThan(80 * MB);
    pointId = job.recoveryPoint.id;
  });

  it('hold on the line in a restore, and change while it runs', async () => {
    const { data } = fleet.doors;
    const before = data.delivered.down;
    await limit({ downloadBytesPerSecond: String(2 * MB) });
    const jobId = await restoreTo(fleet.api, {
      recoveryPointId: pointId,
      path: path.join(fleet.folder, 'restored'),
      base: source,
    });
    await expect.poll(() => data.delivered.down, { timeout: 30_000 }).toBeGreaterThan(before + MB);
    expectWithin5Percent(await rateOf('down'), 2);
    await limit({ downloadBytesPerSecond: String(4 * MB) });
    expectWithin5Percent(await rateOf('down'), 4);
    await limit({});
    expect(await waitForJob(fleet.api, jobId, JOB)).toMatchObject({ state: 'COMPLETED', error: null });
  });
});
