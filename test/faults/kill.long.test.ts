import fs from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Data } from '../kit/holdfast/api.js';
import { Fleet } from '../kit/holdfast/fleet.js';
import { backUp, restoreTo, waitForJob } from '../kit/holdfast/jobs.js';
import { SeededChance } from '../kit/seeded-chance.js';
import { buildPlainTree } from '../kit/tree/build-tree.js';
import { describeTree, type EntryDescription } from '../kit/tree/describe-tree.js';
import { diffTrees } from '../kit/tree/diff-trees.js';

const privileged = process.getuid?.() === 0;
const minutes = Number(process.env.HOLDFAST_TEST_MINUTES ?? 10);
const seed = process.env.HOLDFAST_TEST_SEED ?? String(Date.now());
const JOB_MS = 180_000;
const VICTIMS = ['agent', 'gateway', 'control', 'server'] as const;

interface Committed {
  readonly pointId: string;
  readonly tree: Map<string, EntryDescription>;
}

let fleet: Fleet;

beforeAll(async () => {
  fleet = await Fleet.start();
}, 120_000);

afterAll(async () => {
  await fleet?.stop();
});

/** Answers may be refused while a process is down; what was asked for must come to an end all the same. */
async function insist<T>(ask: () => Promise<T>): Promise<T> {
  const deadline = performance.now() + JOB_MS;
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      if (performance.now() > deadline) throw error;
      await new Promise((resolve) => setTimeout(resolve, 250));
    }
  }
}

async function kill(victim: (typeof VICTIMS)[number]): Promise<void> {
  switch (victim) {
    case 'agent':
      fleet.agent().process.kill('SIGKILL');
      await fleet.agent().process.exited;
      fleet.agent().start();
      return;
    case 'server': {
      const pids = [fleet.server.process.pid, fleet.server.childPid('control'), fleet.server.childPid('gateway')];
      for (const pid of pids) process.kill(pid, 'SIGKILL');
      await fleet.server.process.exited;
      await fleet.server.start();
      return;
    }
    case 'control':
    case 'gateway':
      process.kill(fleet.server.childPid(victim), 'SIGKILL');
  }
}

describe('a fleet whose processes are killed at random', () => {
  it(`loses and damages no committed recovery point (${minutes} minutes, seed ${seed})`, async () => {
    const chance = new SeededChance(seed);
    const source = fleet.newFolder('source');
    buildPlainTree(source, { files: 200, large: 1 });
    const vault = await fleet.createVault('vault');
    const item = await fleet.protect({ name: 'item', vaultId: vault.id, root: source });
    const committed: Committed[] = [];
    const ends = new Map<string, number>();

    const check = async ({ pointId, tree }: Committed): Promise<void> => {
      const target = path.join(fleet.folder, 'restored');
      const restore = await insist(async () => {
        fs.rmSync(target, { recursive: true, force: true });
        return waitForJob(
          fleet.api,
          await restoreTo(fleet.api, { recoveryPointId: pointId, path: target, base: source }),
          { timeoutMs: JOB_MS },
        );
      });
      expect(restore).toMatchObject({ state: 'COMPLETED' });
      expect(diffTrees(tree, describeTree(target), { privileged }).differences).toEqual([]);
    };

    const deadline = performance.now() + minutes * 60_000;
    let kills = 0;
    while (performance.now() < deadline) {
      const fresh = path.join(source, `round-${kills % 3}`);
      fs.rmSync(fresh, { recursive: true, force: true });
      buildPlainTree(fresh, { files: 20 + chance.below(200), large: chance.below(6) });
      const tree = describeTree(source);
      const type = chance.pick(['FULL', 'INCREMENTAL', 'DIFFERENTIAL'] as const);
      const jobId = await insist(() => backUp(fleet.api, item, type));
      await new Promise((resolve) => setTimeout(resolve, chance.below(2500)));
      await kill(chance.pick(VICTIMS));
      kills += 1;
      const job: Data = await insist(() => waitForJob(fleet.api, jobId, { timeoutMs: JOB_MS }));
      ends.set(job.state, (ends.get(job.state) ?? 0) + 1);
      if (job.state === 'FAILED') expect(job.error.message).toMatch(/\w{3}/);
      if (job.recoveryPoint !== null) {
        committed.push({ pointId: job.recoveryPoint.id, tree });
        await check({ pointId: job.recoveryPoint.id, tree });
      }
      if (committed.length > 0) await check(chance.pick(committed));
    }
    for (const point of committed) await check(point);
    process.stderr.write(
      `seed ${seed}: ${kills} kills, ${committed.length} points, all restored; jobs: ${JSON.stringify(Object.fromEntries(ends))}\n`,
    );
    expect(committed.length).toBeGreaterThan(0);
  });
});
