import fs from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Fleet } from '../kit/holdfast/fleet.js';
import { buildEveryKindOfEntry, buildPlainTree } from '../kit/tree/build-tree.js';
import { describeTree } from '../kit/tree/describe-tree.js';
import { diffTrees } from '../kit/tree/diff-trees.js';

const privileged = process.getuid?.() === 0;
let fleet: Fleet;

beforeAll(async () => {
  fleet = await Fleet.start({ agents: 2 });
});

afterAll(async () => {
  await fleet?.stop();
});

function differences(original: string, copy: string): readonly unknown[] {
  return diffTrees(describeTree(original), describeTree(copy), { privileged }).differences;
}

describe('the main path', () => {
  it('restores every kind of entry on another host, identical to the original', async () => {
    const source = fleet.newFolder('every-kind');
    await buildEveryKindOfEntry(source);
    const vault = await fleet.createVault('every-kind');
    const item = await fleet.protect({ name: 'every-kind', vaultId: vault.id, root: source });
    const backup = await fleet.backUp(item);
    expect(backup).toMatchObject({
      state: privileged ? 'COMPLETED' : expect.any(String),
      error: null,
      backupType: 'FULL',
    });

    const target = path.join(fleet.folder, 'every-kind-restored');
    const restore = await fleet.restore({
      recoveryPointId: backup.recoveryPoint.id,
      agentId: fleet.agent(1).id,
      path: target,
      base: source,
    });
    expect(restore).toMatchObject({ error: null, notices: [], state: 'COMPLETED' });
    expect(Number(restore.progress.bytesWritten)).toBeLessThan(16 << 20);
    expect(differences(source, target)).toEqual([]);
  });

  it('reads and sends only what changed, whatever the type, and every point restores as it was', async () => {
    const source = fleet.newFolder('changing');
    buildPlainTree(source, { files: 1000, large: 1 });
    const vault = await fleet.createVault('changing');
    const item = await fleet.protect({ name: 'changing', vaultId: vault.id, root: source });
    const change = (name: string): number => {
      const content = Buffer.from(`changed ${name} ${Math.random()}`);
      fs.writeFileSync(path.join(source, name), content);
      return content.length;
    };

    const full = await fleet.backUp(item);
    const treeFull = describeTree(source);
    const first = change('folder-0001/file-111') + change('folder-0007/file-777');
    const incremental = await fleet.backUp(item, 'INCREMENTAL');
    const treeIncremental = describeTree(source);
    fs.rmSync(path.join(source, 'folder-0003', 'file-333'));
    const second = change('folder-0002/new-file');
    const differential = await fleet.backUp(item, 'DIFFERENTIAL');
    const treeDifferential = describeTree(source);

    expect([full.backupType, incremental.backupType, differential.backupType]).toEqual([
      'FULL',
      'INCREMENTAL',
      'DIFFERENTIAL',
    ]);
    expect(Number(incremental.progress.bytesRead)).toBe(first);
    expect(Number(differential.progress.bytesRead)).toBe(first + second);
    expect(Number(differential.progress.bytesChanged)).toBe(second);

    for (const [job, expected] of [
      [full, treeFull],
      [incremental, treeIncremental],
      [differential, treeDifferential],
    ] as const) {
      const target = path.join(fleet.folder, `restored-${job.backupType}`);
      const restore = await fleet.restore({
        recoveryPointId: job.recoveryPoint.id,
        agentId: fleet.agent(1).id,
        path: target,
        base: source,
      });
      expect(restore.state).toBe('COMPLETED');
      expect(diffTrees(expected, describeTree(target), { privileged }).differences).toEqual([]);
      fs.rmSync(target, { recursive: true });
    }
  });

  it('makes a first incremental a full backup and says why', async () => {
    const source = fleet.newFolder('first');
    fs.writeFileSync(path.join(source, 'file'), 'content');
    const vault = await fleet.createVault('first');
    const item = await fleet.protect({ name: 'first', vaultId: vault.id, root: source });
    const job = await fleet.backUp(item, 'INCREMENTAL');
    expect(job.backupType).toBe('FULL');
    expect(job.backupTypeReason).toMatch(/\w+/);
  });

  it('stores less than one percent more when a second host backs the same data up', async () => {
    const source = fleet.newFolder('shared');
    buildPlainTree(source, { files: 2000, large: 4 });
    const vault = await fleet.createVault('shared');
    const first = await fleet.backUp(await fleet.protect({ name: 'on one', vaultId: vault.id, root: source }));
    const second = await fleet.backUp(
      await fleet.protect({ name: 'on two', vaultId: vault.id, root: source, agent: fleet.agent(1) }),
    );
    expect(second.state).toBe('COMPLETED');
    expect(Number(first.progress.bytesStored)).toBeGreaterThan(30 << 20);
    expect(Number(second.progress.bytesStored)).toBeLessThan(Number(first.progress.bytesStored) / 100);
    const target = path.join(fleet.folder, 'shared-restored');
    const restore = await fleet.restore({ recoveryPointId: second.recoveryPoint.id, path: target, base: source });
    expect(restore.state).toBe('COMPLETED');
    expect(differences(source, target)).toEqual([]);
  });

  it('restores to the original location in each conflict mode and deletes nothing', async () => {
    const source = fleet.newFolder('original');
    fs.writeFileSync(path.join(source, 'kept'), 'as backed up');
    fs.writeFileSync(path.join(source, 'lost'), 'comes back');
    const vault = await fleet.createVault('original');
    const backup = await fleet.backUp(await fleet.protect({ name: 'original', vaultId: vault.id, root: source }));
    const recoveryPointId = backup.recoveryPoint.id;
    fs.rmSync(path.join(source, 'lost'));
    fs.writeFileSync(path.join(source, 'kept'), 'changed since');
    fs.writeFileSync(path.join(source, 'newer'), 'not in the point');
    const read = (name: string): string => fs.readFileSync(path.join(source, name), 'utf8');

    const refused = await fleet.restore({ recoveryPointId, path: source, base: source });
    expect(refused).toMatchObject({
      state: 'FAILED',
      error: { code: expect.stringMatching(/CONFLICT|FAILED_PRECONDITION/) },
    });
    expect(read('kept')).toBe('changed since');

    const skipped = await fleet.restore({ recoveryPointId, path: source, base: source, onConflict: 'SKIP' });
    // What is there is "kept" and "newer"; the point has no "newer".
    expect(skipped).toMatchObject({ state: 'COMPLETED', noticesTotal: 0, progress: { entriesSkipped: '1' } });
    expect([read('kept'), read('lost'), read('newer')]).toEqual(['changed since', 'comes back', 'not in the point']);

    const both = await fleet.restore({ recoveryPointId, path: source, base: source, onConflict: 'KEEP_BOTH' });
    // "lost" is as it was backed up by now.
    expect(both).toMatchObject({ state: 'COMPLETED', progress: { entriesSkipped: '1' } });
    expect(read('kept')).toBe('changed since');
    expect(fs.readdirSync(source)).toEqual(['kept', 'kept (restored)', 'lost', 'newer']);

    const { job } = await fleet.api.mutate(
      'triggerRestore',
      { recoveryPointId, mode: 'ORIGINAL_LOCATION', onConflict: 'OVERWRITE' },
      'job { id }',
    );
    await expect
      .poll(
        async () => (await fleet.api.ask('query J($id: ID!) { job(id: $id) { state } }', { id: job.id })).job.state,
        { timeout: 60_000 },
      )
      .toBe('COMPLETED');
    expect([read('kept'), read('lost'), read('newer')]).toEqual(['as backed up', 'comes back', 'not in the point']);

    fs.rmSync(path.join(source, 'kept'));
    fs.rmSync(path.join(source, 'lost'));
    fs.mkdirSync(path.join(source, 'lost'));
    fs.writeFileSync(path.join(source, 'lost/newer'), 'not in the point');
    const over = await fleet.restore({ recoveryPointId, path: source, base: source, onConflict: 'OVERWRITE' });
    expect(over).toMatchObject({ state: 'COMPLETED_WITH_WARNINGS', noticesTotal: 1 });
    expect([read('kept'), read('lost/newer')]).toEqual(['as backed up', 'not in the point']);
  });
});
