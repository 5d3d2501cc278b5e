/** A fleet of real processes that are killed at named moments of the write path, and what must hold however that ends. */
import { randomUUID } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { MOMENTS, type Moment } from '@holdfast/core/moments';
import { expect } from 'vitest';
import type { Data } from '../kit/holdfast/api.js';
import { Deaths } from '../kit/holdfast/deaths.js';
import { Fleet } from '../kit/holdfast/fleet.js';
import { backUp, restoreTo, waitForJob } from '../kit/holdfast/jobs.js';
import type { SeededChance } from '../kit/seeded-chance.js';
import { buildPlainTree } from '../kit/tree/build-tree.js';
import { describeTree, type EntryDescription } from '../kit/tree/describe-tree.js';
import { diffTrees } from '../kit/tree/diff-trees.js';

const privileged = process.getuid?.() === 0;
const SETTLE_MS = 180_000;
const LOOK_MS = 50;
/** Moments that come only where more agents send than there are places. */
const IN_A_CROWD: readonly Moment[] = ['gateway.pack-paused', 'gateway.pack-resumed'];
/** Moments that a backup of two packs reaches more than once. */
const OFTEN = /^(store|agent\.pack|gateway\.pack)/;

export type Victim = 'agent' | 'gateway' | 'control' | 'all';

export interface Strike {
  readonly moment: Moment;
  /** Counted in the process that reaches it. */
  readonly nth: number;
  readonly victim: Victim;
}

export function describeStrike({ moment, nth, victim }: Strike): string {
  return `${victim} at ${moment}${nth > 1 ? `, the ${nth}. time` : ''}`;
}

/** So many strikes on these victims, each at another moment. */
export function drawStrikes(chance: SeededChance, victims: readonly Victim[]): Strike[] {
  const left = MOMENTS.filter((moment) => !IN_A_CROWD.includes(moment));
  return victims.map((victim) => {
    const [moment] = left.splice(chance.below(left.length), 1);
    if (moment === undefined) throw new RangeError('there are not so many moments');
    return { moment, nth: OFTEN.test(moment) ? 1 + chance.below(2) : 1, victim };
  });
}

/** A strike in a crowd whose packs give way several times a second, those of the scene's own agent among them. */
export function drawStrikeInCrowd(chance: SeededChance, victims: readonly Victim[]): Strike {
  return { moment: chance.pick(IN_A_CROWD), nth: 1 + chance.below(150), victim: chance.pick(victims) };
}

interface Committed {
  readonly pointId: string;
  readonly tree: Map<string, EntryDescription>;
}

export class CrashScene {
  readonly fleet: Fleet;
  readonly vaultId: string;
  readonly committed: Committed[] = [];
  readonly #deaths: Deaths;
  readonly #folder: string;
  readonly #source: string;
  readonly #itemId: string;
  #rounds = 0;

  private constructor(fleet: Fleet, vaultId: string, deaths: Deaths, folder: string, source: string, itemId: string) {
    this.fleet = fleet;
    this.vaultId = vaultId;
    this.#deaths = deaths;
    this.#folder = folder;
    this.#source = source;
    this.#itemId = itemId;
  }

  /** With one recovery point that was committed before anything crashes. */
  static async prepare(): Promise<CrashScene> {
    const folder = fs.mkdtempSync('/tmp/holdfast-deaths-');
    const deaths = new Deaths(folder);
    const fleet = await Fleet.start({ environment: deaths.environment });
    try {
      const source = fleet.newFolder('source');
      buildPlainTree(source, { files: 100 });
      const vault = await fleet.createVault('vault');
      const itemId = await fleet.protect({ name: 'item', vaultId: vault.id, root: source });
      const scene = new CrashScene(fleet, vault.id, deaths, folder, source, itemId);
      const tree = describeTree(source);
      const job = await fleet.backUp(itemId);
      scene.committed.push({ pointId: job.recoveryPoint.id, tree });
      return scene;
    } catch (error) {
      await fleet.stop();
      throw error;
    }
  }

  async stop(): Promise<void> {
    await this.fleet.stop();
    fs.rmSync(this.#folder, { recursive: true, force: true });
  }

  /** Backs up new data, in a pack or more, and their nodes in another, with this death on the way. The job goes on or fails with its reason. */
  async backUpThrough(
    strike: Strike,
    type: 'FULL' | 'INCREMENTAL' | 'DIFFERENTIAL' = 'FULL',
    watch: { readonly onProgress?: (job: Data) => void } = {},
  ): Promise<Data> {
    const { fleet } = this;
    const fresh = path.join(this.#source, `round-${this.#rounds++ % 2}`);
    fs.rmSync(fresh, { recursive: true, force: true });
    buildPlainTree(fresh, { files: 30, large: 1 });
    const tree = describeTree(this.#source);
    await this.#insist(() => fleet.agent().waitUntilOnline(fleet.api));
    this.#deaths.plan({ moment: strike.moment, nth: strike.nth, pids: this.#pidsOf(strike.victim) });
    // A server that is giving up may have taken it and not answered.
    const clientMutationId = randomUUID();
    const jobId = await this.#insist(() => backUp(fleet.api, this.#itemId, type, clientMutationId));
    await this.#untilStruck();
    await this.#revive(strike.victim);
    const job: Data = await this.#insist(() => waitForJob(fleet.api, jobId, { timeoutMs: SETTLE_MS, ...watch }));
    if (job.state === 'FAILED') expect(job.error.message).toMatch(/\w{3}/);
    else expect(job.state).toBe('COMPLETED');
    if (job.recoveryPoint !== null) this.committed.push({ pointId: job.recoveryPoint.id, tree });
    return job;
  }

  /** All points that were committed so far. */
  async everythingRestoresAsItWas(): Promise<void> {
    await Promise.all(this.committed.map((point) => this.restoresAsItWas(point)));
  }

  async restoresAsItWas({ pointId, tree }: Committed): Promise<void> {
    const { fleet } = this;
    const target = path.join(fleet.folder, `restored-${pointId}`);
    const restore: Data = await this.#insist(async () => {
      fs.rmSync(target, { recursive: true, force: true });
      const request = { recoveryPointId: pointId, path: target, base: this.#source };
      return waitForJob(fleet.api, await restoreTo(fleet.api, request), { timeoutMs: SETTLE_MS });
    });
    expect(restore).toMatchObject({ state: 'COMPLETED', error: null });
    expect(diffTrees(tree, describeTree(target), { privileged }).differences).toEqual([]);
    fs.rmSync(target, { recursive: true });
  }

  async #untilStruck(): Promise<void> {
    const deadline = performance.now() + SETTLE_MS;
    while (!this.#deaths.struck) {
      if (performance.now() > deadline) throw new Error('the moment was never reached');
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    }
    this.#deaths.forget();
  }

  #pidsOf(victim: Victim): number[] {
    const { server } = this.fleet;
    switch (victim) {
      case 'agent':
        return [this.fleet.agent().process.pid];
      case 'all':
        return [...this.#pidsOf('agent'), server.process.pid, server.childPid('control'), server.childPid('gateway')];
      case 'control':
      case 'gateway':
        return [server.childPid(victim)];
    }
  }

  /** What the supervisor does not start again. */
  async #revive(victim: Victim): Promise<void> {
    const { fleet } = this;
    if (victim === 'all') {
      await fleet.server.process.exited;
      await fleet.server.start();
    }
    if (victim !== 'all' && victim !== 'agent') return;
    await fleet.agent().process.exited;
    fleet.agent().start();
  }

  /**
   * Answers may be refused while a process is down; what was asked for must come to an end all the same. A server that gave up after five
   * deaths in a minute is started again, as its unit does.
   */
  async #insist<T>(ask: () => Promise<T>): Promise<T> {
    const { server } = this.fleet;
    const deadline = performance.now() + SETTLE_MS;
    for (;;) {
      try {
        return await ask();
      } catch (error) {
        if (performance.now() > deadline) throw error;
        if (server.process.ended) await server.start();
        else await new Promise((resolve) => setTimeout(resolve, 250));
      }
    }
  }
}
