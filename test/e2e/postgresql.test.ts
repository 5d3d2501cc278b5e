import fs from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Fleet } from '../kit/holdfast/fleet.js';
import { createTestDatabase, type TestDatabase } from '../kit/test-database.js';
import { buildPlainTree } from '../kit/tree/build-tree.js';
import { describeTree } from '../kit/tree/describe-tree.js';
import { diffTrees } from '../kit/tree/diff-trees.js';

const privileged = process.getuid?.() === 0;
let database: TestDatabase;
let fleet: Fleet;

beforeAll(async () => {
  database = await createTestDatabase();
  fleet = await Fleet.start({ agents: 2, serverArgs: ['--database', database.url] });
});

afterAll(async () => {
  await fleet?.stop();
  await database?.drop();
});

describe('a server with its catalog in PostgreSQL', () => {
  it('backs up, survives the death of control, browses and restores', async () => {
    const source = fleet.newFolder('source');
    buildPlainTree(source, { files: 300, large: 1 });
    const vault = await fleet.createVault('vault');
    const item = await fleet.protect({ name: 'item', vaultId: vault.id, root: source });
    const full = await fleet.backUp(item);
    expect(full).toMatchObject({ state: 'COMPLETED', backupType: 'FULL' });

    process.kill(fleet.server.childPid('control'), 'SIGKILL');
    await expect
      .poll(() => fleet.api.ask('{ me { user { name } } }').catch(() => null), { timeout: 30_000 })
      .not.toBeNull();
    await fleet.agent().waitUntilOnline(fleet.api);
    await fleet.agent(1).waitUntilOnline(fleet.api);

    fs.writeFileSync(path.join(source, 'folder-0001', 'new'), 'added later');
    const incremental = await fleet.backUp(item, 'INCREMENTAL');
    expect(incremental).toMatchObject({ state: 'COMPLETED', backupType: 'INCREMENTAL' });
    expect(Number(incremental.progress.bytesRead)).toBe('added later'.length);

    const browsed = await fleet.api.ask(
      'query B($id: ID!, $path: Path!) { browseRecoveryPoint(id: $id, path: $path) { edges { node { name type } } } }',
      { id: incremental.recoveryPoint.id, path: source },
    );
    expect(browsed.browseRecoveryPoint.edges[0].node).toEqual({ name: 'folder-0000', type: 'DIRECTORY' });

    const target = path.join(fleet.folder, 'restored');
    const restore = await fleet.restore({
      recoveryPointId: incremental.recoveryPoint.id,
      agentId: fleet.agent(1).id,
      path: target,
      base: source,
    });
    expect(restore.state).toBe('COMPLETED');
    expect(diffTrees(describeTree(source), describeTree(target), { privileged }).differences).toEqual([]);
  });
});
