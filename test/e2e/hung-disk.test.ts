import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Fleet } from '../kit/holdfast/fleet.js';
import { backUp, readJob, waitForJob } from '../kit/holdfast/jobs.js';
import { canMountDisks } from '../kit/small-disk.js';
import { describeTree } from '../kit/tree/describe-tree.js';

const canMount = canMountDisks();
const MIB = 1 << 20;
const HUNG = 'stores/hung';
/** Of a disk that a gateway has under way at once. */
const MOST_CALLS = 4;
const PATIENCE = { timeoutMs: 60_000 };

let fleet: Fleet;
beforeAll(async () => {
  if (!canMount) return;
  fleet = await Fleet.start({ agents: 3, disks: { [HUNG]: 300 } });
});
afterAll(async () => {
  await fleet?.stop();
});

async function vaultOnHungDisk(): Promise<string> {
  const zones = [{ name: 'hung', storeUrl: `local:${fleet.disk(HUNG).folder}` }];
  const { region } = await fleet.api.mutate('createRegion', { name: 'hung', zones }, 'region { id }');
  const input = { subscriptionId: fleet.subscriptionId, regionId: region.id, name: 'hung' };
  return (await fleet.api.mutate('createVault', input, 'vault { id }')).vault.id;
}

/** An item of this agent that was backed up, and now has more than is sent at once. */
async function protect(which: number, vaultId: string): Promise<{ readonly id: string; readonly root: string }> {
  const root = fleet.newFolder(`source-${which}`);
  const id = await fleet.protect({ name: `item-${which}`, vaultId, root, agent: fleet.agent(which) });
  expect(await fleet.backUp(id)).toMatchObject({ state: 'COMPLETED' });
  for (let file = 0; file < 8; file += 1) fs.writeFileSync(path.join(root, `file-${file}`), randomBytes(8 * MIB));
  return { root, id };
}

/** That wait in the kernel for something that nobody can break off. */
function stuckThreads(pid: number): number {
  const states = fs
    .readdirSync(`/proc/${pid}/task`)
    .map((task) => fs.readFileSync(`/proc/${pid}/task/${task}/stat`, 'latin1'));
  return states.filter((state) => state.slice(state.lastIndexOf(')')).startsWith(') D')).length;
}

describe.runIf(canMount)('a disk that hangs under the packs of several agents', () => {
  it('holds up nobody whose vault lies elsewhere, and its own go on once it answers', async () => {
    const { id: elsewhere } = await fleet.createVault('elsewhere');
    const hung = await vaultOnHungDisk();
    const [one, two, other] = [await protect(0, hung), await protect(1, hung), await protect(2, elsewhere)];
    const disk = fleet.disk(HUNG);
    disk.freeze();
    let waiting: string[];
    try {
      waiting = await Promise.all([one, two].map(({ id }) => backUp(fleet.api, id, 'FULL')));
      for (const id of waiting)
        await expect
          .poll(async () => Number((await readJob(fleet.api, id)).progress.bytesRead), { timeout: 30_000 })
          .toBeGreaterThan(16 * MIB);
      await expect.poll(() => stuckThreads(fleet.server.childPid('gateway')), { timeout: 30_000 }).toBe(MOST_CALLS);
      const job = await waitForJob(fleet.api, await backUp(fleet.api, other.id, 'FULL'), PATIENCE);
      expect(job).toMatchObject({ state: 'COMPLETED', error: null });
      const target = path.join(fleet.folder, 'restored');
      const request = { recoveryPointId: job.recoveryPoint.id, agentId: fleet.agent(2).id, path: target };
      expect(await fleet.restore({ ...request, base: other.root })).toMatchObject({ state: 'COMPLETED' });
      expect(describeTree(target)).toEqual(describeTree(other.root));
    } finally {
      disk.thaw();
    }
    for (const id of waiting)
      expect(await waitForJob(fleet.api, id, PATIENCE)).toMatchObject({ state: 'COMPLETED', error: null });
  });
});
