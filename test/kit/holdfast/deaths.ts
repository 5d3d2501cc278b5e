import { randomUUID } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import type { PlannedDeath } from './die-at-moment.js';
import { repository } from './repository.js';

/** Plans who dies at which moment of the write path, for programs that run with its environment. */
export class Deaths {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
    fs.mkdirSync(folder, { recursive: true });
  }

  /** Children inherit it, as the server's processes do. */
  get environment(): NodeJS.ProcessEnv {
    const listener = pathToFileURL(path.join(repository, 'test', 'dist', 'kit', 'holdfast', 'die-at-moment.js'));
    return { NODE_OPTIONS: `--import=${listener.href}`, HOLDFAST_TEST_DEATHS: this.#folder };
  }

  plan(death: Omit<PlannedDeath, 'id'>): void {
    this.forget();
    const unfinished = path.join(this.#folder, 'unfinished.json');
    fs.writeFileSync(unfinished, JSON.stringify({ id: randomUUID(), ...death }));
    fs.renameSync(unfinished, path.join(this.#folder, 'next.json'));
  }

  get struck(): boolean {
    return fs.existsSync(path.join(this.#folder, 'struck.json'));
  }

  forget(): void {
    for (const name of ['next.json', 'struck.json']) fs.rmSync(path.join(this.#folder, name), { force: true });
  }
}
