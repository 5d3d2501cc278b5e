import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Fleet } from '../kit/holdfast/fleet.js';
import { restoreTo, waitForJob } from '../kit/holdfast/jobs.js';
import { describeTree } from '../kit/tree/describe-tree.js';
import { diffTrees } from '../kit/tree/diff-trees.js';

const FOLDERS = 40;
const FILES_PER_FOLDER = 150;
const OF_OTHERS = 'of somebody else';

/** Files enough that a restore takes a second or two, with links across folders and modes that an interrupted restore has not set yet. */
function fill(source: string): void {
  for (let folder = 0; folder < FOLDERS; folder++) {
    const at = path.join(source, `folder-${folder}`);
    fs.mkdirSync(at);
    for (let file = 0; file < FILES_PER_FOLDER; file++)
      fs.writeFileSync(path.join(at, `file-${file}`), `${folder} ${file} `.repeat(1 + (file % 40)), { mode: 0o640 });
    if (folder > 0) fs.linkSync(path.join(source, 'folder-0', `file-${folder}`), path.join(at, 'linked'));
    fs.symlinkSync(`file-${folder}`, path.join(at, 'symbolic'));
    fs.chmodSync(at, folder % 2 === 0 ? 0o755 : 0o2750);
    fs.utimesSync(at, 1_500_000_000, 1_500_000_000 + folder);
  }
}

describe('an agent that is killed in the middle of a restore', () => {
  let fleet: Fleet;
  let source: string;
  let recoveryPointId: string;

  beforeAll(async () => {
    fleet = await Fleet.start();
    source = fleet.newFolder('source');
    fill(source);
    const { id: vaultId } = await fleet.createVault('vault');
    const backup = await fleet.backUp(await fleet.protect({ name: 'item', vaultId, root: source }));
    expect(backup.state).toBe('COMPLETED');
    recoveryPointId = backup.recoveryPoint.id;
  });

  afterAll(async () => {
    await fleet?.stop();
  });

  /** As soon as the second tenth of the folders is being written. */
  async function killInTheMiddle(target: string): Promise<void> {
    const enough = FOLDERS / 5;
    const deadline = performance.now() + 30_000;
    while (fs.readdirSync(target).length < enough) {
      if (performance.now() > deadline) throw new Error('the restore did not begin');
      await new Promise((resolve) => setImmediate(resolve));
    }
    const { process } = fleet.agent();
    process.kill('SIGKILL');
    await process.exited;
    expect(fs.readdirSync(target).length).toBeLessThan(FOLDERS);
  }

  it.each(['FAIL', 'SKIP', 'KEEP_BOTH'] as const)(
    'goes on after its restart in a folder that had something before, under %s',
    async (onConflict) => {
      const target = fleet.newFolder(`to-${onConflict}`);
      fs.writeFileSync(path.join(target, 'before'), OF_OTHERS);
      const id = await restoreTo(fleet.api, { recoveryPointId, path: target, base: source, onConflict });
      await killInTheMiddle(target);
      fleet.agent().start();
      const job = await waitForJob(fleet.api, id, { timeoutMs: 60_000 });
      expect(job).toMatchObject({ state: 'COMPLETED', noticesTotal: 0, progress: { entriesSkipped: '0' } });
      expect(fs.readFileSync(path.join(target, 'before'), 'utf8')).toBe(OF_OTHERS);
      fs.rmSync(path.join(target, 'before'));
      const compared = diffTrees(describeTree(source), describeTree(target), {
        privileged: process.getuid?.() === 0,
        ignoreMetadataOf: new Set(['']),
      });
      expect(compared.differences).toEqual([]);
    },
    90_000,
  );

  it('leaves nothing of a large file behind in the target itself', async () => {
    const from = fleet.newFolder('large source');
    fs.writeFileSync(path.join(from, 'large'), randomBytes(24 << 20));
    const { id: vaultId } = await fleet.createVault('large');
    const backup = await fleet.backUp(await fleet.protect({ name: 'large', vaultId, root: from }));
    const agentId = fleet.agent().id;
    await fleet.api.mutate('setAgentBandwidth', { agentId, downloadBytesPerSecond: '10000000' }, 'agent { id }');
    const target = fleet.newFolder('large target');
    const id = await restoreTo(fleet.api, { recoveryPointId: backup.recoveryPoint.id, path: target, base: from });
    const names = (): string[] => fs.readdirSync(target);
    await expect
      .poll(() => names().some((name) => fs.statSync(path.join(target, name)).size > 4 << 20), { timeout: 30_000 })
      .toBe(true);
    const { process } = fleet.agent();
    process.kill('SIGKILL');
    await process.exited;
    fleet.agent().start();
    const job = await waitForJob(fleet.api, id, { timeoutMs: 60_000 });
    expect(job).toMatchObject({ state: 'COMPLETED', noticesTotal: 0 });
    expect(names()).toEqual(['large']);
  }, 120_000);
});
