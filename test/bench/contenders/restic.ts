/**
 * restic as users run it: its defaults (compression "auto"), with a cache that starts empty with each repository; in a
 * local folder, or over sftp.
 */
import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { folderTotals } from '../datasets/folder-totals.js';
import { type BackupKind, type Contender, growth, type Measurement, type Repository } from './contender.js';
import { type LoopbackSsh, SSH_HOST } from './loopback-ssh.js';
import { type Command, run, runMeasured } from './measured-command.js';

export class Restic implements Contender {
  readonly name: string;
  readonly #folder: string;
  readonly #signal: AbortSignal;
  readonly #ssh: LoopbackSsh | undefined;
  #repositories = 0;

  constructor(setting: { folder: string; signal: AbortSignal }, ssh?: LoopbackSsh) {
    this.name = ssh === undefined ? 'restic' : 'restic-sftp';
    this.#folder = setting.folder;
    this.#signal = setting.signal;
    this.#ssh = ssh;
  }

  async newRepository(): Promise<Repository> {
    this.#repositories += 1;
    const folder = path.join(this.#folder, `${this.name}-${this.#repositories}`);
    fs.mkdirSync(folder);
    const repository = new ResticRepository(folder, this.#signal, this.#ssh);
    await repository.init();
    return repository;
  }
}

class ResticRepository implements Repository {
  readonly #folder: string;
  readonly #store: string;
  readonly #signal: AbortSignal;
  readonly #ssh: LoopbackSsh | undefined;

  constructor(folder: string, signal: AbortSignal, ssh: LoopbackSsh | undefined) {
    this.#folder = folder;
    this.#store = path.join(folder, 'repository');
    this.#signal = signal;
    this.#ssh = ssh;
    fs.writeFileSync(path.join(folder, 'password'), randomBytes(24).toString('base64'), { mode: 0o600 });
  }

  async init(): Promise<void> {
    await run(this.#command(['init']));
  }

  async backUp(kind: BackupKind, source: string): Promise<Measurement> {
    const before = folderTotals(this.#store);
    const measurement = await runMeasured(this.#command(['backup', ...(kind === 'full' ? ['--force'] : []), source]));
    return { ...measurement, ...growth(before, folderTotals(this.#store)) };
  }

  async restore(source: string, target: string): Promise<Measurement & { root: string }> {
    const measurement = await runMeasured(this.#command(['restore', 'latest', '--target', target]), this.#ssh);
    return { ...measurement, root: path.join(target, source) };
  }

  async remove(): Promise<void> {
    await fs.promises.rm(this.#folder, { recursive: true, force: true });
  }

  #command(args: readonly string[]): Command {
    const repository =
      this.#ssh === undefined
        ? ['--repo', this.#store]
        : [
            ...['--repo', `sftp:${SSH_HOST}:${this.#store}`],
            ...['--option', `sftp.command=ssh -F ${this.#ssh.config} ${SSH_HOST} -s sftp`],
          ];
    return {
      program: 'restic',
      args: [...repository, ...args],
      partial: [3],
      env: {
        RESTIC_PASSWORD_FILE: path.join(this.#folder, 'password'),
        RESTIC_CACHE_DIR: path.join(this.#folder, 'cache'),
      },
      signal: this.#signal,
    };
  }
}
