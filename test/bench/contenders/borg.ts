/** borg as users run it: its defaults (lz4), repokey encryption, a cache that starts empty; in a local folder, or over ssh. */
import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { folderTotals } from '../datasets/folder-totals.js';
import { type BackupKind, type Contender, growth, type Measurement, type Repository } from './contender.js';
import { type LoopbackSsh, SSH_HOST } from './loopback-ssh.js';
import { type Command, run, runMeasured } from './measured-command.js';

export class Borg implements Contender {
  readonly name: string;
  readonly #folder: string;
  readonly #signal: AbortSignal;
  readonly #ssh: LoopbackSsh | undefined;
  #repositories = 0;

  constructor(setting: { folder: string; signal: AbortSignal }, ssh?: LoopbackSsh) {
    this.name = ssh === undefined ? 'borg' : 'borg-ssh';
    this.#folder = setting.folder;
    this.#signal = setting.signal;
    this.#ssh = ssh;
  }

  async newRepository(): Promise<Repository> {
    this.#repositories += 1;
    const folder = path.join(this.#folder, `${this.name}-${this.#repositories}`);
    fs.mkdirSync(folder);
    const repository = new BorgRepository(folder, this.#signal, this.#ssh);
    await repository.init();
    return repository;
  }
}

class BorgRepository implements Repository {
  readonly #folder: string;
  readonly #store: string;
  readonly #passphrase = randomBytes(24).toString('base64');
  readonly #signal: AbortSignal;
  readonly #ssh: LoopbackSsh | undefined;
  #archives = 0;

  constructor(folder: string, signal: AbortSignal, ssh: LoopbackSsh | undefined) {
    this.#folder = folder;
    this.#store = path.join(folder, 'repository');
    this.#signal = signal;
    this.#ssh = ssh;
  }

  async init(): Promise<void> {
    await run(this.#command(['init', '--encryption', 'repokey']));
  }

  async backUp(kind: BackupKind, source: string): Promise<Measurement> {
    const before = folderTotals(this.#store);
    this.#archives += 1;
    const again = kind === 'full' ? ['--files-cache', 'disabled'] : [];
    const measurement = await runMeasured(
      this.#command(['create', ...again, `::archive-${this.#archives}`, source]),
      this.#ssh,
    );
    return { ...measurement, ...growth(before, folderTotals(this.#store)) };
  }

  async restore(source: string, target: string): Promise<Measurement & { root: string }> {
    const command = this.#command(['extract', `::archive-${this.#archives}`]);
    const measurement = await runMeasured({ ...command, cwd: target }, this.#ssh);
    return { ...measurement, root: path.join(target, source) };
  }

  async remove(): Promise<void> {
    await fs.promises.rm(this.#folder, { recursive: true, force: true });
  }

  #command(args: readonly string[]): Command {
    const remote: Record<string, string> = this.#ssh === undefined ? {} : { BORG_RSH: `ssh -F ${this.#ssh.config}` };
    return {
      program: 'borg',
      args,
      partial: [1],
      env: {
        ...remote,
        BORG_REPO: this.#ssh === undefined ? this.#store : `ssh://${SSH_HOST}${this.#store}`,
        BORG_PASSPHRASE: this.#passphrase,
        BORG_BASE_DIR: path.join(this.#folder, 'base'),
      },
      signal: this.#signal,
    };
  }
}
