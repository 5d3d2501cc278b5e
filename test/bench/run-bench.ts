import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { type Group, groupsFor, neededSteps } from './cases.js';
import type { Contender } from './contenders/contender.js';
import { Holdfast } from './contenders/holdfast.js';
import { startPeers } from './contenders/peers.js';
import { type Dataset, expectedBytes, prepareDataset, sizesFor } from './datasets/prepare.js';
import { type Floor, measureFloor } from './floor.js';
import type { BenchOptions } from './options.js';
import { formatBytes, formatDisturbance, formatFloor, formatProcesses, formatTable } from './report.js';
import type { CaseResult } from './results.js';
import { runGroup } from './run-group.js';

const MARGIN_BYTES = 2 ** 28;

/** Answers the exit code. Results go to stdout, progress to stderr. */
export async function runBench(options: BenchOptions): Promise<number> {
  const interrupted = new AbortController();
  // For good: a second Ctrl-C must not end the cleaning up.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => interrupted.abort());
  const folder = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), 'holdfast-bench-')));
  try {
    await new Bench(options, folder, interrupted.signal).run();
    return 0;
  } catch (error) {
    if (interrupted.signal.aborted) return 130;
    throw error;
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
}

class Bench {
  readonly #options: BenchOptions;
  readonly #folder: string;
  readonly #signal: AbortSignal;
  readonly #datasets: Dataset[] = [];

  constructor(options: BenchOptions, folder: string, signal: AbortSignal) {
    this.#options = options;
    this.#folder = folder;
    this.#signal = signal;
  }

  async run(): Promise<void> {
    const { dataset, cases, quick } = this.#options;
    const groups = groupsFor(dataset !== undefined).filter((group) => neededSteps(group, cases).length > 0);
    await this.#checkSpace(groups);
    const setting = { folder: this.#newFolder('contenders'), say, signal: this.#signal };
    const peers = await startPeers(this.#options.peers, setting);
    const holdfast = new Holdfast(setting);
    try {
      say(`starting Holdfast in ${this.#folder}`);
      await holdfast.start();
      say('measuring the floor');
      const floor = await measureFloor(this.#folder, quick, this.#signal);
      const results: CaseResult[] = [];
      for (const group of groups) results.push(...(await this.#runGroup(group, [holdfast, ...peers.contenders])));
      this.#report(results, floor);
    } finally {
      await holdfast.stop();
      await peers.stop();
    }
  }

  async #runGroup(group: Group, contenders: readonly Contender[]): Promise<CaseResult[]> {
    const { dataset: given, cases, quick, rounds } = this.#options;
    const folder = path.join(this.#newFolder('data'), group.dataset);
    say(`making ${group.dataset}`);
    const prepare = { folder, sizes: sizesFor(quick), given, signal: this.#signal };
    const dataset = await prepareDataset(group.dataset, prepare);
    this.#datasets.push(dataset);
    say(`  ${dataset.files} files, ${formatBytes(dataset.bytes)}, ${dataset.origin}`);
    const results = await runGroup({
      group,
      wanted: cases,
      dataset,
      contenders,
      rounds,
      warmUp: !quick,
      scratch: this.#folder,
      say,
      signal: this.#signal,
    });
    fs.rmSync(folder, { recursive: true, force: true });
    return results;
  }

  #report(cases: readonly CaseResult[], floor: Floor): void {
    const { json, rounds, quick } = this.#options;
    const datasets = this.#datasets.map(({ name, origin, files, bytes }) => ({ name, origin, files, bytes }));
    for (const { name, origin, files, bytes } of datasets)
      print(`${name}: ${files} files, ${formatBytes(bytes)}, ${origin}`);
    for (const text of [formatFloor(floor), formatTable(cases, floor), formatProcesses(cases, floor)])
      print(`\n${text}`);
    const disturbance = formatDisturbance(cases);
    if (disturbance !== undefined) print(`\n${disturbance}`);
    if (json === undefined) return;
    const machine = { cpus: os.cpus().map(({ model }) => model), memory: os.totalmem(), kernel: os.release() };
    fs.writeFileSync(json, `${JSON.stringify({ cases, floor, datasets, rounds, quick, machine }, undefined, 2)}\n`);
  }

  #newFolder(name: string): string {
    const folder = path.join(this.#folder, name);
    fs.mkdirSync(folder, { recursive: true });
    return folder;
  }

  /** Beside the dataset stand one repository and one restored copy, or, where it changes, everyone's repository. */
  async #checkSpace(groups: readonly Group[]): Promise<void> {
    const { dataset, quick, peers } = this.#options;
    const needs = groups.map((group) => {
      const bytes = expectedBytes(group.dataset, sizesFor(quick), dataset);
      const copies = group.changes ? peers.length + 1 : 1;
      return bytes * (copies * 1.1 + 1 + (group.dataset === 'folder' ? 0 : 1));
    });
    const needed = Math.max(0, ...needs) + MARGIN_BYTES;
    const { bavail, bsize } = await fs.promises.statfs(this.#folder);
    if (bavail * bsize >= needed) return;
    throw new Error(
      `${os.tmpdir()} has ${formatBytes(bavail * bsize)} free, and these cases may need ${formatBytes(needed)}. ` +
        'Set TMPDIR to a folder with more room, or choose smaller cases with --only.',
    );
  }
}

function say(line: string): void {
  process.stderr.write(`${line}\n`);
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
