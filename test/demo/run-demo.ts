import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { AgentProcess } from '../kit/holdfast/agent-process.js';
import type { Api, Data } from '../kit/holdfast/api.js';
import { backUp, restoreTo, waitForJob } from '../kit/holdfast/jobs.js';
import { type Administrator, ServerProcess } from '../kit/holdfast/server-process.js';
import { toPathScalar } from '../kit/path-scalar.js';
import { printableJson } from '../kit/printable.js';
import { type DescribeOptions, describeTree, type EntryDescription } from '../kit/tree/describe-tree.js';
import { diffTrees, type TreeDifference } from '../kit/tree/diff-trees.js';
import { removeTree } from '../kit/tree/remove-tree.js';
import { type DemoOptions, UsageError } from './options.js';
import { type BackupReport, type DemoResult, formatBytes, Narrator, type RestoreReport } from './report.js';
import { changeFiles, makeWorkCopy } from './work-copy.js';

type Tree = ReadonlyMap<string, EntryDescription>;
type BackupType = 'FULL' | 'DIFFERENTIAL' | 'INCREMENTAL';

const SHOWN_DIFFERENCES = 20;
const LOOK_MS = 100;

export async function runDemo(options: DemoOptions): Promise<number> {
  const folder = makeFolder();
  const demo = new Demo(options, folder);
  const interrupted = new Promise<'interrupted'>((resolve) => {
    // For good: a second Ctrl-C must not end the cleaning up.
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => resolve('interrupted'));
  });
  const finish = (result: DemoResult, code: number): number => {
    // A name in it may hold anything, and the JSON is the same with its characters written out.
    if (options.json) process.stdout.write(`${printableJson(result)}\n`);
    return code;
  };
  try {
    const result = await Promise.race([demo.run(), interrupted]);
    if (result === 'interrupted') return finish(demo.result('It was interrupted.'), 130);
    if (!options.once) {
      demo.invite();
      await interrupted;
    }
    return finish(result, result.verified ? 0 : 4);
  } catch (error) {
    return finish(demo.fail(error), 1);
  } finally {
    await demo.stop();
    removeTree(folder);
  }
}

function makeFolder(): string {
  try {
    return fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), 'holdfast-demo-')));
  } catch (error) {
    throw new UsageError(`there is no room for the demo in ${os.tmpdir()} (TMPDIR): ${(error as Error).message}`);
  }
}

class Demo {
  readonly #options: DemoOptions;
  readonly #folder: string;
  readonly #narrator: Narrator;
  readonly #server: ServerProcess;
  readonly #privileged = process.getuid?.() === 0;
  readonly #agents: AgentProcess[] = [];
  readonly #backups: BackupReport[] = [];
  readonly #restores: RestoreReport[] = [];
  #notRestorable = 0;
  #counted = { entries: 0, files: 0, bytes: 0 };
  #administrator: Administrator | undefined;
  #vaultId = '';
  #policyId = '';

  constructor(options: DemoOptions, folder: string) {
    this.#options = options;
    this.#folder = folder;
    this.#narrator = new Narrator(options.json);
    this.#server = new ServerProcess(folder);
  }

  async run(): Promise<DemoResult> {
    const api = await this.#setUp();
    const narrator = this.#narrator;

    narrator.say(`Reading ${this.#options.source} to compare with later`);
    const describeOptions: DescribeOptions = { excludeNames: this.#options.excludeNames };
    const original = describeTree(this.#options.source, describeOptions);
    const bytes = bytesOf(original);
    const files = filesOf(original);
    this.#counted = { entries: original.size, files, bytes };
    narrator.say(`  ${original.size} entries, ${files} files, ${formatBytes(bytes)}`);
    await this.#checkSpace(bytes, original);

    narrator.say('Item A: the folder itself, backed up by agent one, restored by agent two');
    const exclude = [...this.#options.excludeNames].map((name) => `**/${name}`);
    const itemA = await this.#protect(api, 'A', this.#options.source, exclude);
    const pointA = await this.#backUp(api, 'A', itemA, 'FULL');
    const target = this.#options.out ?? path.join(this.#folder, 'restored-a');
    await this.#restoreAndCompare(api, {
      item: 'A',
      what: 'restored on agent two',
      pointId: pointA,
      base: this.#options.source,
      target,
      expected: original,
    });
    if (this.#options.out === undefined) removeTree(target);

    await this.#runWorkItem(api, original);

    const differences = this.#restores.reduce((sum, restore) => sum + restore.differences, 0);
    narrator.say();
    narrator.say(
      differences === 0
        ? 'Verified: every restore is identical to what was backed up.'
        : `NOT verified: ${differences} differences.`,
    );
    if (this.#notRestorable > 0)
      narrator.say(
        `${this.#notRestorable} facts could not be read or set by the running user (run as root to include them).`,
      );
    return this.result(differences === 0 ? undefined : `${differences} differences were found.`);
  }

  /** What there is to report so far; verified unless a reason speaks against it. */
  result(reason: string | undefined): DemoResult {
    return {
      verified: reason === undefined,
      ...(reason === undefined ? {} : { reason }),
      ...this.#counted,
      notRestorable: this.#notRestorable,
      backups: this.#backups,
      restores: this.#restores,
    };
  }

  fail(error: unknown): DemoResult {
    const { message, stack = message } = error instanceof Error ? error : new Error(String(error));
    for (const line of `The demo failed: ${stack}`.split('\n')) this.#narrator.say(line);
    return this.result(message.split('\n')[0] ?? '');
  }

  invite(): void {
    const { name, password } = this.#administrator ?? { name: '', password: '' };
    this.#narrator.say();
    this.#narrator.say(`Backup Center: ${this.#server.addresses.http}  (sign in as ${name}, password ${password})`);
    this.#narrator.say('It stays up until Ctrl-C; then everything of the demo is removed.');
  }

  async stop(): Promise<void> {
    await Promise.all(this.#agents.map((agent) => agent.stop()));
    await this.#server.stop();
  }

  async #setUp(): Promise<Api> {
    const narrator = this.#narrator;
    narrator.say(`Starting a server in ${this.#folder}`);
    await this.#server.start();
    const { administrator, token } = await this.#server.completeSetup();
    this.#administrator = administrator;
    const api = this.#server.api(token);
    narrator.say(`  Backup Center: ${this.#server.addresses.http}`);

    narrator.say('Creating subscription, region, vault and policy; enrolling two agents');
    const { subscription } = await api.mutate('createSubscription', { name: 'demo' }, 'subscription { id }');
    const zones = [{ name: 'demo-1', storeUrl: `local:${path.join(this.#server.storeRoot, 'demo')}` }];
    fs.mkdirSync(path.join(this.#server.storeRoot, 'demo'));
    const { region } = await api.mutate('createRegion', { name: 'demo', zones }, 'region { id }');
    const { vault } = await api.mutate(
      'createVault',
      { subscriptionId: subscription.id, regionId: region.id, name: 'demo' },
      'vault { id }',
    );
    this.#vaultId = vault.id;
    const schedule = { frequency: 'DAILY', at: '02:00', timeZone: 'UTC' };
    const { policy } = await api.mutate(
      'createPolicy',
      { subscriptionId: subscription.id, name: 'nightly', schedule },
      'policy { id }',
    );
    this.#policyId = policy.id;
    for (const name of ['agent-one', 'agent-two']) {
      const agent = await AgentProcess.enroll(this.#server, api, {
        folder: this.#folder,
        name,
        subscriptionId: subscription.id,
      });
      this.#agents.push(agent);
      agent.start();
    }
    await Promise.all(this.#agents.map((agent) => agent.waitUntilOnline(api)));
    return api;
  }

  async #runWorkItem(api: Api, original: Tree): Promise<void> {
    const narrator = this.#narrator;
    const work = path.join(this.#folder, 'work');
    narrator.say('Item W: a copy of it that changes between backups');
    const left = await makeWorkCopy(this.#options.source, original, work, this.#privileged);
    if (left > 0) narrator.say(`  without ${left} entries whose paths are too long for tar; A has them`);
    const item = await this.#protect(api, 'W', work, []);

    const points: Array<{ type: BackupType; pointId: string; tree: Tree }> = [];
    let tree: Tree = describeTree(work);
    for (const [round, type] of (['FULL', 'INCREMENTAL', 'DIFFERENTIAL'] as const).entries()) {
      if (round > 0) {
        const changed = changeFiles(work, tree, round);
        narrator.say(`  changed ${changed} of ${filesOf(tree)} files`);
        tree = describeTree(work);
      }
      points.push({ type, pointId: await this.#backUp(api, 'W', item, type), tree });
    }

    await this.#browse(api, points, work);
    await this.#restoreOneFile(api, points[1] ?? points[0], work);
    for (const { type, pointId, tree: expected } of points) {
      const target = path.join(this.#folder, `restored-${type.toLowerCase()}`);
      await this.#restoreAndCompare(api, {
        item: 'W',
        what: `${type} point, as W then was`,
        pointId,
        base: work,
        target,
        expected,
      });
      removeTree(target);
    }
  }

  async #protect(api: Api, name: string, root: string, exclude: string[]): Promise<string> {
    const input = {
      agentId: this.#agent(0).id,
      vaultId: this.#vaultId,
      policyId: this.#policyId,
      name,
      files: { roots: [toPathScalar(Buffer.from(root))], exclude },
    };
    const { protectedItem } = await api.mutate('configureProtection', input, 'protectedItem { id }');
    return protectedItem.id;
  }

  async #backUp(api: Api, item: string, protectedItemId: string, type: BackupType): Promise<string> {
    const started = performance.now();
    const job = await this.#finish(api, await backUp(api, protectedItemId, type), `${item} ${type}`);
    const { bytesRead, bytesChanged, bytesSent, bytesStored } = job.progress;
    const report: BackupReport = {
      item,
      type: job.backupType,
      bytesRead: Number(bytesRead),
      bytesChanged: Number(bytesChanged),
      bytesSent: Number(bytesSent),
      bytesStored: Number(bytesStored),
      seconds: secondsSince(started),
    };
    this.#backups.push(report);
    this.#narrator.backup(report, job.noticesTotal > 0 ? ` (${job.noticesTotal} warnings)` : '');
    return job.recoveryPoint.id;
  }

  async #browse(api: Api, points: ReadonlyArray<{ type: BackupType; pointId: string }>, work: string): Promise<void> {
    for (const { type, pointId } of points) {
      const data = await api.ask(
        'query Browse($id: ID!, $path: Path!) { browseRecoveryPoint(id: $id, path: $path, first: 5) { edges { node { name type } } pageInfo { hasNextPage } } }',
        { id: pointId, path: toPathScalar(Buffer.from(work)) },
      );
      const { edges, pageInfo } = data.browseRecoveryPoint;
      const names = edges.map((edge: { node: { name: string } }) => edge.node.name).join('  ');
      this.#narrator.say(`  browsing the ${type} point: ${names}${pageInfo.hasNextPage ? '  …' : ''}`);
    }
  }

  async #restoreOneFile(api: Api, point: { pointId: string; tree: Tree } | undefined, work: string): Promise<void> {
    const file =
      point && [...point.tree.values()].find((entry) => entry.kind === 'file' && (entry.extents?.length ?? 0) > 0);
    if (point === undefined || file === undefined) return;
    const source = Buffer.concat([Buffer.from(`${work}/`), Buffer.from(file.path, 'latin1')]);
    const parent = source.subarray(0, source.lastIndexOf(0x2f));
    const name = source.subarray(parent.length + 1).toString('latin1');
    const { linkGroup: _alone, ...single } = file;
    const expected = new Map([...describeTree(parent, { excludeNames: new Set(fs.readdirSync(parent, 'latin1')) })]);
    expected.set(name, { ...single, path: name });
    await this.#restoreAndCompare(api, {
      item: 'W',
      what: 'one file of it',
      pointId: point.pointId,
      base: parent,
      select: [source],
      target: path.join(this.#folder, 'restored-file'),
      expected,
    });
  }

  async #restoreAndCompare(
    api: Api,
    {
      item,
      what,
      pointId,
      base,
      select,
      target,
      expected,
    }: {
      item: string;
      what: string;
      pointId: string;
      base: string | Buffer;
      select?: readonly Buffer[];
      target: string;
      expected: Tree;
    },
  ): Promise<void> {
    const started = performance.now();
    const jobId = await restoreTo(api, {
      recoveryPointId: pointId,
      agentId: this.#agent(1).id,
      path: toPathScalar(Buffer.from(target)),
      base: toPathScalar(Buffer.from(base)),
      ...(select === undefined ? {} : { select: select.map(toPathScalar) }),
    });
    const job = await this.#finish(api, jobId, `restore of ${item}`);
    const seconds = secondsSince(started);
    const restored = describeTree(target);
    const { differences, notRestorable } = diffTrees(expected, restored, {
      privileged: this.#privileged,
      // A selection says nothing of the folder that it was taken from.
      ignoreMetadataOf: new Set(select === undefined ? [] : ['']),
    });
    this.#notRestorable += notRestorable.length;
    const report = {
      item,
      entries: restored.size,
      bytes: Number(job.progress.bytesWritten),
      seconds,
      differences: differences.length,
    };
    this.#restores.push(report);
    this.#narrator.restore(report, what);
    this.#showDifferences(differences);
  }

  #showDifferences(differences: readonly TreeDifference[]): void {
    for (const { path: where, aspect, expected, actual } of differences.slice(0, SHOWN_DIFFERENCES)) {
      const shown = toPathScalar(Buffer.from(where || '.', 'latin1'));
      this.#narrator.say(`    ${shown}: ${aspect}: expected ${expected}, found ${actual}`);
    }
    if (differences.length > SHOWN_DIFFERENCES)
      this.#narrator.say(`    … and ${differences.length - SHOWN_DIFFERENCES} more`);
  }

  async #finish(api: Api, jobId: string, name: string): Promise<Data> {
    const job = await waitForJob(api, jobId, {
      pauseMs: LOOK_MS,
      onProgress: ({ progress, state }) => {
        const bytes = Number(progress.bytesWritten) || Number(progress.bytesRead);
        this.#narrator.progress(
          `  ${name}: ${state.toLowerCase()}, ${progress.entries} entries, ${formatBytes(bytes)}`,
        );
      },
    });
    if (job.state === 'COMPLETED' || job.state === 'COMPLETED_WITH_WARNINGS') {
      for (const notice of job.notices.slice(0, SHOWN_DIFFERENCES))
        this.#narrator.say(`    ${notice.path}: ${notice.message}`);
      return job;
    }
    const notices = job.notices
      .map((notice: { path: string; message: string }) => `\n  ${notice.path}: ${notice.message}`)
      .join('');
    throw new Error(`${name} ended ${job.state}: ${job.error?.code ?? ''} ${job.error?.message ?? ''}${notices}`);
  }

  #agent(index: number): AgentProcess {
    const agent = this.#agents[index];
    if (agent === undefined) throw new Error(`agent ${index} was not enrolled`);
    return agent;
  }

  /** The vault, the copy W and one restored copy at a time stand side by side. */
  async #checkSpace(bytes: number, original: Tree): Promise<void> {
    const stored = [...original.values()].reduce((sum, entry) => sum + occupied(entry), 0);
    const needed = 3 * stored + Math.min(stored, 2 ** 31) + 2 ** 28;
    const { bavail, bsize } = await fs.promises.statfs(this.#folder);
    if (bavail * bsize < needed) {
      throw new Error(
        `${os.tmpdir()} has ${formatBytes(bavail * bsize)} free; the demo on ${formatBytes(bytes)} may need ${formatBytes(needed)}. ` +
          'Set TMPDIR to a folder with more room, or give a smaller PATH.',
      );
    }
  }
}

function occupied(entry: EntryDescription): number {
  return 4096 + Number(entry.extents?.reduce((sum, extent) => sum + extent.end - extent.offset, 0n) ?? 0n);
}

function filesOf(tree: Tree): number {
  return [...tree.values()].filter((entry) => entry.kind === 'file').length;
}

function bytesOf(tree: Tree): number {
  return Number([...tree.values()].reduce((sum, entry) => sum + entry.size, 0n));
}

function secondsSince(started: number): number {
  return Math.round(performance.now() - started) / 1000;
}
