import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { Api } from './api.js';
import { BackgroundProcess } from './background-process.js';

const READY_MS = 60_000;

export interface Addresses {
  readonly http: string;
  readonly grpc: string;
  readonly dataGrpc: string;
  readonly enrollGrpc: string;
}

export interface Administrator {
  readonly name: string;
  readonly password: string;
}

/** A server of its own data folder, on loopback ports that it keeps over restarts. */
export class ServerProcess {
  readonly dataFolder: string;
  readonly storeRoot: string;
  readonly #extraArgs: readonly string[];
  readonly #environment: NodeJS.ProcessEnv;
  #process: BackgroundProcess | undefined;
  #addresses: Addresses | undefined;

  constructor(folder: string, extraArgs: readonly string[] = [], environment: NodeJS.ProcessEnv = {}) {
    this.#environment = environment;
    this.dataFolder = path.join(folder, 'server');
    this.storeRoot = path.join(folder, 'stores');
    fs.mkdirSync(this.storeRoot, { recursive: true, mode: 0o700 });
    this.#extraArgs = extraArgs;
  }

  async start(onLine?: (line: string) => void): Promise<void> {
    const at = (name: keyof Addresses): string => this.#addresses?.[name].replace(/^https?:\/\//, '') ?? '127.0.0.1:0';
    this.#process = new BackgroundProcess(
      'holdfast-server',
      [
        ...['--data', this.dataFolder, '--store-root', this.storeRoot],
        ...[
          '--http',
          at('http'),
          '--grpc',
          at('grpc'),
          '--data-grpc',
          at('dataGrpc'),
          '--enroll-grpc',
          at('enrollGrpc'),
        ],
        ...this.#extraArgs,
      ],
      { env: this.#environment, ...(onLine && { onLine }) },
    );
    this.#addresses = await this.#process.waitForLine((line) => {
      if (!line.startsWith('{"event":"ready"')) return undefined;
      return JSON.parse(line) as Addresses;
    }, READY_MS);
  }

  get addresses(): Addresses {
    if (this.#addresses === undefined) throw new Error('the server was not started');
    return this.#addresses;
  }

  get process(): BackgroundProcess {
    if (this.#process === undefined) throw new Error('the server was not started');
    return this.#process;
  }

  api(token?: string): Api {
    return new Api(this.addresses.http, token);
  }

  /** Makes the first administrator with the setup code that the server left in its data folder. */
  async completeSetup(): Promise<{ administrator: Administrator; token: string }> {
    const setupCode = fs.readFileSync(path.join(this.dataFolder, 'setup-code'), 'utf8').trim();
    const administrator = { name: 'admin', password: randomBytes(12).toString('base64url') };
    const { token } = await this.api().mutate('completeSetup', { setupCode, ...administrator }, 'token');
    return { administrator, token };
  }

  /** Process id of the control or the gateway process, found below the supervisor. */
  childPid(role: 'control' | 'gateway'): number {
    for (const name of fs.readdirSync('/proc')) {
      if (!/^\d+$/.test(name)) continue;
      try {
        const stat = fs.readFileSync(`/proc/${name}/stat`, 'latin1');
        const parent = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
        const command = fs.readFileSync(`/proc/${name}/cmdline`, 'latin1').split('\0');
        const at = command.indexOf('--role');
        if (parent === this.process.pid && at >= 0 && command[at + 1] === role) return Number(name);
      } catch {
        // The process ended between the listing and the reading.
      }
    }
    throw new Error(`no ${role} process below ${this.process.pid}`);
  }

  async stop(): Promise<void> {
    await this.#process?.stop();
  }
}
