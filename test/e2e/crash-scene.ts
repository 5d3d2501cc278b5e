/** A fleet in which something is killed in mid-backup, and what must hold however that backup ended. */
import fs from 'node:fs';
import path from 'node:path';
import { expect } from 'vitest';
import type { Data } from '../kit/holdfast/api.js';
import { Fleet } from '../kit/holdfast/fleet.js';
import { backUp, readJob, waitForJob } from '../kit/holdfast/jobs.js';
import { buildPlainTree } from '../kit/tree/build-tree.js';
import { describeTree, type EntryDescription } from '../kit/tree/describe-tree.js';
import { diffTrees } from '../kit/tree/diff-trees.js';

const privileged = process.getuid?.() === 0;
const SETTLE_MS = 110_000;

type Tree = Map<string, EntryDescription>;

export class CrashScene {
  readonly fleet: Fleet;
  readonly #source: string;
  readonly #itemId: string;
  readonly #committed: { readonly pointId: string; readonly tree: Tree };

  private constructor(fleet: Fleet, source: string, itemId: string, committed: { pointId: string; tree: Tree }) {
    this.fleet = fleet;
    this.#source = source;
    this.#itemId = itemId;
    this.#committed = committed;
  }

  /** With one recovery point that was committed before anything crashes. */
  static async prepare(): Promise<CrashScene> {
    const fleet = await Fleet.start();
    try {
      const source = fleet.newFolder('source');
      buildPlainTree(source, { files: 300, large: 1 });
      const vault = await fleet.createVault('vault');
      const itemId = await fleet.protect({ name: 'item', vaultId: vault.id, root: source });
      const tree = describeTree(source);
      const job = await fleet.backUp(itemId);
      return new CrashScene(fleet, source, itemId, { pointId: job.recoveryPoint.id, tree });
    } catch (error) {
      await fleet.stop();
      throw error;
    }
  }

  /** Starts a backup of 130 MiB of new data and waits until some of it is in the store. */
  async startLargeBackup(round: string): Promise<string> {
    fs.rmSync(path.join(this.#source, 'new'), { recursive: true, force: true });
    buildPlainTree(path.join(this.#source, 'new', round), { files: 200, large: 16 });
    const jobId = await backUp(this.fleet.api, this.#itemId, 'FULL');
    await expect
      .poll(async () => Number((await readJob(this.fleet.api, jobId)).progress.bytesStored), {
        timeout: 60_000,
        interval: 20,
      })
      .toBeGreaterThan(16 << 20);
    return jobId;
  }

  /** The job went on or failed with its reason, the next backup succeeds, and every point restores as it was. */
  async checkAfterCrash(jobId: string): Promise<void> {
    const job = await this.#settled(jobId);
    if (job.state === 'FAILED') expect(job.error.message).toMatch(/\w{3}/);
    else expect(job.state).toBe('COMPLETED');

    const tree = describeTree(this.#source);
    const next = await this.fleet.backUp(this.#itemId, 'INCREMENTAL');
    expect(next).toMatchObject({ state: 'COMPLETED' });
    await this.#restoresAsItWas(next.recoveryPoint.id, tree);
    if (job.recoveryPoint !== null) await this.#restoresAsItWas(job.recoveryPoint.id, tree);
    await this.#restoresAsItWas(this.#committed.pointId, this.#committed.tree);
  }

  /** Answers may be refused while a process is down; the job must come to an end all the same. */
  async #settled(jobId: string): Promise<Data> {
    const deadline = performance.now() + SETTLE_MS;
    for (;;) {
      try {
        return await waitForJob(this.fleet.api, jobId, { timeoutMs: deadline - performance.now() });
      } catch (error) {
        if (performance.now() > deadline) throw error;
        await new Promise((resolve) => setTimeout(resolve, 250));
      }
    }
  }

  async #restoresAsItWas(pointId: string, tree: Tree): Promise<void> {
    const target = path.join(this.fleet.folder, 'restored');
    const restore = await this.fleet.restore({ recoveryPointId: pointId, path: target, base: this.#source });
    expect(restore).toMatchObject({ state: 'COMPLETED' });
    expect(diffTrees(tree, describeTree(target), { privileged }).differences).toEqual([]);
    fs.rmSync(target, { recursive: true });
  }
}
