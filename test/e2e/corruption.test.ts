import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runProgram } from '../kit/holdfast/background-process.js';
import { Fleet } from '../kit/holdfast/fleet.js';
import { flipBit, packFiles } from '../kit/holdfast/store-files.js';
import { describeTree } from '../kit/tree/describe-tree.js';

let fleet: Fleet;

beforeAll(async () => {
  fleet = await Fleet.start();
});

afterAll(async () => {
  await fleet?.stop();
});

describe('a flipped bit in a pack', () => {
  it('costs the files that need it, names them, and nothing else', async () => {
    const source = fleet.newFolder('source');
    for (let index = 0; index < 12; index += 1)
      fs.writeFileSync(path.join(source, `large-${index}`), randomBytes(2 << 20));
    // A frame gathers up to a MiB of them, wherever in its pack it lies: a quarter at most.
    for (let index = 0; index < 200; index += 1)
      fs.writeFileSync(path.join(source, `small-${index}`), randomBytes(20_000));
    const vault = await fleet.createVault('vault');
    const backup = await fleet.backUp(await fleet.protect({ name: 'item', vaultId: vault.id, root: source }));
    expect(backup.state).toBe('COMPLETED');

    const largest = packFiles(fleet.server.storeRoot).sort((a, b) => fs.statSync(b).size - fs.statSync(a).size)[0];
    expect(largest).toBeDefined();
    flipBit(largest as string, Math.floor(fs.statSync(largest as string).size / 2));

    const target = path.join(fleet.folder, 'restored');
    const restore = await fleet.restore({ recoveryPointId: backup.recoveryPoint.id, path: target, base: source });
    expect(restore.state).toBe('FAILED');
    expect(restore.error.code).toBe('DATA_CORRUPTED');

    const expected = describeTree(source);
    const restored = describeTree(target);
    const absent = [...expected.keys()].filter((name) => !restored.has(name));
    expect(absent.length).toBeGreaterThan(0);
    expect(absent.length).toBeLessThan(expected.size / 2);
    const named = restore.notices
      .filter((notice: { kind: string }) => notice.kind === 'DAMAGED')
      .map((notice: { path: string }) => notice.path);
    expect(named.sort()).toEqual(absent.map((name) => path.join(source, name)).sort());
    for (const [name, entry] of restored) {
      if (name !== '') expect(entry.sha256).toBe(expected.get(name)?.sha256);
    }
  });

  it('is contained whichever pack it hits, and forgotten once the bytes are right again', async () => {
    const source = fleet.newFolder('nested');
    for (const folder of ['a', 'b/c']) {
      fs.mkdirSync(path.join(source, folder), { recursive: true });
      for (let index = 0; index < 20; index += 1) {
        fs.writeFileSync(path.join(source, folder, `file-${index}`), randomBytes(700 + index));
      }
    }
    const before = new Set(packFiles(fleet.server.storeRoot));
    const vault = await fleet.createVault('nested');
    const backup = await fleet.backUp(await fleet.protect({ name: 'nested', vaultId: vault.id, root: source }));
    const packs = packFiles(fleet.server.storeRoot).filter((file) => !before.has(file));
    expect(packs.length).toBeGreaterThanOrEqual(2);
    const expected = describeTree(source);

    for (const [index, pack] of packs.entries()) {
      // Past the header, inside the first frame.
      flipBit(pack, 60);
      const target = path.join(fleet.folder, `nested-${index}`);
      const restore = await fleet.restore({ recoveryPointId: backup.recoveryPoint.id, path: target, base: source });
      flipBit(pack, 60);
      expect(restore).toMatchObject({ state: 'FAILED', error: { code: 'DATA_CORRUPTED' } });
      const damaged: string[] = restore.notices
        .filter((notice: { kind: string }) => notice.kind === 'DAMAGED')
        .map((notice: { path: string }) => path.relative(source, notice.path));
      expect(damaged.length).toBeGreaterThan(0);
      const restored = fs.existsSync(target) ? describeTree(target) : new Map();
      for (const [name, entry] of expected) {
        if (entry.kind !== 'file') continue;
        const named = damaged.some(
          (place) => place === '' || name === place || name.startsWith(`${place}/`) || place.startsWith('..'),
        );
        expect(restored.get(name)?.sha256, name).toBe(named ? undefined : entry.sha256);
      }
    }
    const target = path.join(fleet.folder, 'nested-whole');
    const whole = await fleet.restore({ recoveryPointId: backup.recoveryPoint.id, path: target, base: source });
    expect(whole.state).toBe('COMPLETED');
    expect(fs.readdirSync(path.join(target, 'b', 'c'))).toHaveLength(20);
  });

  it('ends the restoring command with exit code 4', async () => {
    const data = await fleet.api.ask('{ recoveryPoints(orderBy: ASC) { edges { node { id } } } }');
    const home = fleet.newFolder('cli-home');
    const environment = { HOLDFAST_CONFIG_DIR: home, HOLDFAST_PASSWORD: fleet.administrator.password };
    const login = await runProgram(
      'holdfast',
      ['login', '--server', fleet.server.addresses.http, '--user', fleet.administrator.name],
      environment,
    );
    expect(login, login.stderr).toMatchObject({ code: 0 });
    const result = await runProgram(
      'holdfast',
      [
        'restore',
        data.recoveryPoints.edges[0].node.id,
        '--to',
        path.join(fleet.folder, 'restored-again'),
        '--agent',
        'agent-1',
        '--json',
      ],
      environment,
    );
    expect(result.code).toBe(4);
  });

  it('is mended by the next backup of a host where nothing changed', async () => {
    const { items, recoveryPoints } = await fleet.api.ask(
      '{ items: protectedItems { edges { node { id name } } } recoveryPoints(orderBy: ASC) { edges { node { id } } } }',
    );
    const item = items.edges.find(({ node }: { node: { name: string } }) => node.name === 'item').node.id;
    const reason = async () => {
      const backup = await fleet.backUp(item, 'INCREMENTAL');
      expect(backup.state).toBe('COMPLETED');
      return backup.backupTypeReason;
    };
    expect(await reason()).toContain('found damaged');
    expect(await reason()).toBeNull();
    const source = path.join(fleet.folder, 'source');
    const target = path.join(fleet.folder, 'healed');
    // Also the point of before: what was lost is there again.
    const old = recoveryPoints.edges[0].node.id;
    const restore = await fleet.restore({ recoveryPointId: old, path: target, base: source });
    expect(restore.state).toBe('COMPLETED');
    expect(describeTree(target).size).toBe(describeTree(source).size);
  });
});
