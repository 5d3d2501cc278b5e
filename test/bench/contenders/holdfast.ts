/**
 * Ours, as users run it: agent -> mutual-TLS gRPC -> gateway -> store on disk, everything asked for over GraphQL. A job's
 * seconds are between the server's own `createdAt` and `finishedAt` (polling would add its interval), checked against the
 * clock of this process. Its CPU is counted from before the request until the services are quiet again after it.
 */
import fs from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { AgentProcess } from '../../kit/holdfast/agent-process.js';
import type { Api, Data } from '../../kit/holdfast/api.js';
import { backUp, restoreTo } from '../../kit/holdfast/jobs.js';
import { ServerProcess } from '../../kit/holdfast/server-process.js';
import { toPathScalar } from '../../kit/path-scalar.js';
import { folderTotals } from '../datasets/folder-totals.js';
import { ProcessFamily, sum, untilQuiet, watchingPeaks } from '../usage.js';
import { type BackupKind, type Contender, growth, type Measurement, type Repository } from './contender.js';

/** Seldom: every poll is work for the control plane, which counts. */
const POLL_MS = 250;
/** How far the server's times and ours may be apart: a poll, and answers that waited for a busy machine. */
const CLOCK_TOLERANCE_SECONDS = 2;
const CLOCK_TOLERANCE_SHARE = 0.05;
const ENDED = new Set(['COMPLETED', 'COMPLETED_WITH_WARNINGS', 'FAILED', 'CANCELLED']);
const JOB_QUERY = `query Job($id: ID!) { job(id: $id) { state createdAt finishedAt } }`;
const OUTCOME_QUERY = `query Job($id: ID!) { job(id: $id) { recoveryPoint { id } error { code message } noticesTotal notices { path message } } }`;

export interface HoldfastSetting {
  readonly folder: string;
  readonly say: (line: string) => void;
  readonly signal: AbortSignal;
}

export class Holdfast implements Contender {
  readonly name = 'holdfast';
  readonly #setting: HoldfastSetting;
  readonly #server: ServerProcess;
  #agent: AgentProcess | undefined;
  #running: { api: Api; agentId: string; subscriptionId: string; family: ProcessFamily } | undefined;
  #repositories = 0;

  constructor(setting: HoldfastSetting) {
    this.#setting = setting;
    this.#server = new ServerProcess(setting.folder);
  }

  async start(): Promise<void> {
    await this.#server.start();
    const { token } = await this.#server.completeSetup();
    const api = this.#server.api(token);
    const { subscription } = await api.mutate('createSubscription', { name: 'bench' }, 'subscription { id }');
    const input = { folder: this.#setting.folder, name: 'agent', subscriptionId: subscription.id };
    const agent = await AgentProcess.enroll(this.#server, api, input);
    this.#agent = agent;
    agent.start();
    await agent.waitUntilOnline(api);
    const family = new ProcessFamily({
      agent: agent.process.pid,
      gateway: this.#server.childPid('gateway'),
      control: this.#server.childPid('control'),
      supervisor: this.#server.process.pid,
    });
    this.#running = { api, agentId: agent.id, subscriptionId: subscription.id, family };
  }

  async stop(): Promise<void> {
    await this.#agent?.stop();
    await this.#server.stop();
  }

  /** A region of its own, so that its store can go when it is done with; a vault; and an item once its source is known. */
  async newRepository(): Promise<Repository> {
    if (this.#running === undefined) throw new Error('Holdfast was not started');
    const { api, agentId, subscriptionId, family } = this.#running;
    this.#repositories += 1;
    const name = `bench-${this.#repositories}`;
    const store = path.join(this.#server.storeRoot, name);
    fs.mkdirSync(store);
    const zones = [{ name, storeUrl: `local:${store}` }];
    const { region } = await api.mutate('createRegion', { name, zones }, 'region { id }');
    const { vault } = await api.mutate('createVault', { subscriptionId, regionId: region.id, name }, 'vault { id }');
    return new HoldfastRepository({ ...this.#setting, api, agentId, family, store, name, vaultId: vault.id });
  }
}

interface RepositorySetting extends HoldfastSetting {
  readonly api: Api;
  readonly agentId: string;
  readonly family: ProcessFamily;
  readonly store: string;
  readonly name: string;
  readonly vaultId: string;
}

class HoldfastRepository implements Repository {
  readonly #setting: RepositorySetting;
  #itemId: string | undefined;
  #pointId: string | undefined;

  constructor(setting: RepositorySetting) {
    this.#setting = setting;
  }

  async backUp(kind: BackupKind, source: string): Promise<Measurement> {
    const { api, store } = this.#setting;
    this.#itemId ??= await this.#protect(source);
    const itemId = this.#itemId;
    const before = folderTotals(store);
    const { job, measurement } = await this.#measure(() =>
      backUp(api, itemId, kind === 'unchanged' ? 'INCREMENTAL' : 'FULL'),
    );
    this.#pointId = job.recoveryPoint.id;
    return { ...measurement, ...growth(before, folderTotals(store)) };
  }

  async restore(source: string, target: string): Promise<Measurement & { root: string }> {
    const { api, agentId } = this.#setting;
    const recoveryPointId = this.#pointId;
    if (recoveryPointId === undefined) throw new Error('nothing was backed up');
    const to = { path: toPathScalar(Buffer.from(target)), base: toPathScalar(Buffer.from(source)) };
    const { measurement } = await this.#measure(() => restoreTo(api, { recoveryPointId, agentId, ...to }));
    return { ...measurement, root: target };
  }

  async remove(): Promise<void> {
    await fs.promises.rm(this.#setting.store, { recursive: true, force: true });
  }

  async #protect(source: string): Promise<string> {
    const { api, agentId, vaultId, name } = this.#setting;
    const files = { roots: [toPathScalar(Buffer.from(source))] };
    const input = { agentId, vaultId, name, files };
    const { protectedItem } = await api.mutate('configureProtection', input, 'protectedItem { id }');
    return protectedItem.id;
  }

  async #measure(request: () => Promise<string>): Promise<{ job: Data; measurement: Measurement }> {
    const { family, signal } = this.#setting;
    await untilQuiet(family, signal);
    family.resetPeaks();
    const before = family.cpuSeconds();
    const { result, rss } = await watchingPeaks(
      () => family.peaks(),
      async () => {
        const started = performance.now();
        const id = await request();
        const seconds = await this.#untilEnded(id, started);
        return { id, seconds, atEnd: sum(family.cpuSeconds()) };
      },
    );
    await untilQuiet(family, signal);
    const after = family.cpuSeconds();
    const cpu = Object.fromEntries(Object.entries(after).map(([name, value]) => [name, value - (before[name] ?? 0)]));
    const job = await this.#outcome(result.id);
    return { job, measurement: { seconds: result.seconds, cpu, rss, cpuAfterwards: sum(after) - result.atEnd } };
  }

  async #untilEnded(id: string, started: number): Promise<number> {
    const { api, signal } = this.#setting;
    for (;;) {
      const { job } = await api.ask(JOB_QUERY, { id });
      if (job.state === 'FAILED' || job.state === 'CANCELLED') {
        const { error } = await this.#outcome(id);
        throw new Error(`a job of Holdfast ended ${job.state}: ${error?.code ?? ''} ${error?.message ?? ''}`);
      }
      if (ENDED.has(job.state)) {
        const observed = (performance.now() - started) / 1000;
        const seconds = (Date.parse(job.finishedAt) - Date.parse(job.createdAt)) / 1000;
        if (!(Math.abs(observed - seconds) < CLOCK_TOLERANCE_SECONDS + observed * CLOCK_TOLERANCE_SHARE))
          throw new Error(`the server says that the job took ${seconds} s, seen from outside it was ${observed} s`);
        return seconds;
      }
      await sleep(POLL_MS, undefined, { signal });
    }
  }

  async #outcome(id: string): Promise<Data> {
    const { job } = await this.#setting.api.ask(OUTCOME_QUERY, { id });
    if (job.noticesTotal > 0) {
      const [first] = job.notices;
      this.#setting.say(`  holdfast: ${job.noticesTotal} warnings, the first: ${first?.path} ${first?.message}`);
    }
    return job;
  }
}
