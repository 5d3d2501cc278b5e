import fs from 'node:fs';
import path from 'node:path';
import { SmallDisk } from '../kit/small-disk.js';
import { type Group, neededSteps, type Step } from './cases.js';
import type { Contender, Measurement, Repository } from './contenders/contender.js';
import { run } from './contenders/measured-command.js';
import type { Dataset } from './datasets/prepare.js';
import { rewriteOnePercent } from './datasets/random-file.js';
import { watchingOthers } from './disturbance.js';
import { type CaseResult, compare, summarize } from './results.js';
import { sum } from './usage.js';
import { describe, type Tree, verifyRestore } from './verify.js';

const MIB = 1 << 20;
const MANY_FILES = 1_000;
/** Of a block that a file does not fill, its inode, and its name. */
const BYTES_BESIDE = 8 << 10;

export interface GroupSetting {
  readonly group: Group;
  readonly wanted: ReadonlySet<string>;
  readonly dataset: Dataset;
  /** The first is ours. */
  readonly contenders: readonly Contender[];
  readonly rounds: number;
  readonly warmUp: boolean;
  readonly scratch: string;
  readonly say: (line: string) => void;
  readonly signal: AbortSignal;
}

/**
 * ext4 passes over the inodes of files that were removed in the last minutes, one by one for every file that it makes: whoever
 * restores many files after others were removed would pay for that. So they get a file system of their own, where root may make one.
 */
function freshDisk(folder: string, { files, bytes }: Dataset): SmallDisk | undefined {
  if (files < MANY_FILES) return undefined;
  try {
    return SmallDisk.mount(folder, Math.ceil((1.3 * bytes + files * BYTES_BESIDE) / MIB) + 512);
  } catch {
    return undefined;
  }
}

/** Every contender in turn, round by round, each from an empty repository (or, where the data changes, from the last round's). */
export async function runGroup(setting: GroupSetting): Promise<CaseResult[]> {
  const running = new GroupRun(setting);
  try {
    for (let round = setting.warmUp ? 0 : 1; round <= setting.rounds; round += 1) await running.round(round);
    return running.results();
  } finally {
    await running.removeRepositories();
  }
}

class GroupRun {
  readonly #setting: GroupSetting;
  readonly #steps: readonly Step[];
  readonly #repositories = new Map<Contender, Repository>();
  readonly #measured = new Map<string, Measurement[]>();
  readonly #verified = new Set<string>();
  #expected: Tree | undefined;

  constructor(setting: GroupSetting) {
    this.#setting = setting;
    this.#steps = neededSteps(setting.group, setting.wanted);
  }

  /** Round 0 warms up and does not count. */
  async round(round: number): Promise<void> {
    const { contenders, group, dataset } = this.#setting;
    if (group.changes) await this.#changeDataset(round);
    // Whoever starts finds the machine as the last one left it, so the turn goes round.
    const shift = round % contenders.length;
    for (const contender of [...contenders.slice(shift), ...contenders.slice(0, shift)]) {
      const repository = this.#repositories.get(contender) ?? (await this.#newRepository(contender));
      for (const step of this.#steps) {
        const measurement = await this.#takeStep(contender, repository, step);
        const what = round === 0 ? 'warm-up' : `round ${round}`;
        this.#setting.say(
          `  ${what}  ${contender.name.padEnd(12)} ${step.case.padEnd(22)} ${measurement.seconds.toFixed(2)} s, CPU ${sum(measurement.cpu).toFixed(2)} s`,
        );
        if (round === 0) continue;
        const key = `${contender.name}:${step.case}`;
        this.#measured.set(key, [...(this.#measured.get(key) ?? []), measurement]);
      }
      if (!group.changes) {
        this.#repositories.delete(contender);
        await repository.remove();
      }
    }
    if (dataset.name === 'folder') this.#expected = undefined;
  }

  results(): CaseResult[] {
    const { wanted, dataset, contenders } = this.#setting;
    const [ours, ...peers] = contenders;
    const summary = (contender: Contender | undefined, step: Step) =>
      summarize(this.#measured.get(`${contender?.name ?? ''}:${step.case}`) ?? []);
    return this.#steps
      .filter((step) => wanted.has(step.case))
      .map((step) => {
        const own = summary(ours, step);
        const others = peers.map((peer) => [peer.name, summary(peer, step)] as const);
        return {
          name: step.case,
          dataset: dataset.origin,
          bytes: dataset.bytes,
          files: dataset.files,
          ours: own,
          peers: Object.fromEntries(others),
          ratio: Object.fromEntries(others.map(([name, other]) => [name, compare(own, other)])),
        };
      });
  }

  async removeRepositories(): Promise<void> {
    for (const repository of this.#repositories.values()) await repository.remove();
    this.#repositories.clear();
  }

  async #newRepository(contender: Contender): Promise<Repository> {
    const repository = await contender.newRepository();
    this.#repositories.set(contender, repository);
    return repository;
  }

  async #takeStep(contender: Contender, repository: Repository, step: Step): Promise<Measurement> {
    const { dataset, scratch } = this.#setting;
    if (step.does !== 'restore') {
      await this.#settle();
      const kind = step.does;
      return await watchingOthers(() => repository.backUp(kind, dataset.folder));
    }
    const disk = freshDisk(path.join(scratch, 'restored-to'), dataset);
    const target = path.join(disk?.folder ?? scratch, 'restored');
    try {
      fs.mkdirSync(target);
      await this.#settle();
      const { root, ...measurement } = await watchingOthers(() => repository.restore(dataset.folder, target));
      this.#verify(contender, root);
      return measurement;
    } finally {
      if (disk) disk.remove();
      else await fs.promises.rm(target, { recursive: true, force: true });
    }
  }

  /** Ours every time; a peer once, to know that it does the same work. */
  #verify(contender: Contender, root: string): void {
    const isOurs = contender === this.#setting.contenders[0];
    if (!isOurs && this.#verified.has(contender.name)) return;
    this.#expected ??= describe(this.#setting.dataset.folder);
    verifyRestore(contender.name, this.#expected, root, isOurs);
    this.#verified.add(contender.name);
  }

  /** The first repositories hold the data as it was; they are filled before it changes. */
  async #changeDataset(round: number): Promise<void> {
    const { contenders, dataset, say } = this.#setting;
    for (const contender of contenders) {
      if (this.#repositories.has(contender)) continue;
      say(`  ${contender.name} backs the unchanged image up`);
      await (await this.#newRepository(contender)).backUp('first', dataset.folder);
    }
    const bytes = await rewriteOnePercent(path.join(dataset.folder, `${dataset.name}.bin`), `round ${round}`);
    say(`  ${bytes} bytes of the image rewritten`);
    this.#expected = undefined;
  }

  /** The dataset in the page cache, and nothing left to write from before. */
  async #settle(): Promise<void> {
    const { dataset, scratch, signal } = this.#setting;
    const read = 'find "$1" -type f -exec cat {} + > /dev/null 2>&1 || true';
    await run({ program: 'sh', args: ['-c', read, 'sh', dataset.folder], signal });
    await run({ program: 'sync', args: ['-f', scratch], signal });
  }
}
