import fs from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Fleet } from '../../kit/holdfast/fleet.js';
import { backUp, restoreTo, waitForJob } from '../../kit/holdfast/jobs.js';
import { packFiles } from '../../kit/holdfast/store-files.js';
import { TestLink } from '../../kit/link/test-link.js';
import { SeededChance } from '../../kit/seeded-chance.js';
import { buildPlainTree } from '../../kit/tree/build-tree.js';
import { describeTree } from '../../kit/tree/describe-tree.js';
import { diffTrees } from '../../kit/tree/diff-trees.js';

const MB = 1_000_000;
const seed = process.env.HOLDFAST_TEST_SEED ?? 'lost connections';
/** TLS, HTTP/2, the questions, and what else is not a pack. */
const BESIDE_PACKS = 0.01;
/** A loss is noticed at once, or by the next keepalive. */
const PATIENCE = { timeoutMs: 200_000 };

let fleet: Fleet;
let source: string;

beforeAll(async () => {
  fleet = await Fleet.start({ link: new TestLink({ bytesPerSecond: 25 * MB, delayMs: 50, queueMs: 20 }) });
  source = fleet.newFolder('source');
  buildPlainTree(source, { files: 500, large: 12 });
});

afterAll(async () => {
  await fleet?.stop();
});

describe(`data connections that are lost at random (seed ${seed})`, () => {
  it('cost a backup one pack each at most, and a restore nothing but time', async () => {
    const { data } = fleet.doors;
    const chance = new SeededChance(seed);
    const vault = await fleet.createVault('vault');
    const item = await fleet.protect({ name: 'item', vaultId: vault.id, root: source });

    let losses = 4;
    data.lifeOfNext = () => (losses-- > 0 ? (10 + chance.below(15)) * MB + chance.below(MB) : Infinity);
    const backup = await waitForJob(fleet.api, await backUp(fleet.api, item, 'FULL'), PATIENCE);
    expect(backup).toMatchObject({ state: 'COMPLETED', error: null });
    expect(data.lost).toBe(4);
    const largestPack = Math.max(...packFiles(fleet.server.storeRoot).map((file) => fs.statSync(file).size));
    const packBytes = Number(backup.progress.bytesSent);
    expect(packBytes).toBeGreaterThan(100 * MB);
    const resent = data.delivered.up - packBytes * (1 + BESIDE_PACKS);
    expect(resent).toBeLessThanOrEqual(data.lost * largestPack);

    losses = 3;
    const target = path.join(fleet.folder, 'restored');
    const request = {
      recoveryPointId: backup.recoveryPoint.id,
      path: target,
      base: source,
      onConflict: 'OVERWRITE' as const,
    };
    const restore = await waitForJob(fleet.api, await restoreTo(fleet.api, request), PATIENCE);
    expect(restore).toMatchObject({ state: 'COMPLETED', error: null });
    expect(data.lost).toBe(7);
    const privileged = process.getuid?.() === 0;
    expect(diffTrees(describeTree(source), describeTree(target), { privileged }).differences).toEqual([]);
  }, 450_000);
});
