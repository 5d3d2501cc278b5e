/**
 * An sshd of the benchmark alone, for the peers that go over a network: on 127.0.0.1, with keys and configuration of its
 * own in the scratch folder, and open to no key but its own.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { needPackage } from '../../kit/need-package.js';
import { ProcessFamily } from '../usage.js';
import { run } from './measured-command.js';

const SSHD = '/usr/sbin/sshd';
/** Where a root sshd locks its unprivileged half in; Debian's service makes it, and this sshd is no service. */
const PRIVILEGE_SEPARATION = '/run/sshd';
const READY_MS = 10_000;
const DRAIN_MS = 10_000;
export const SSH_HOST = 'holdfast-bench';

export class LoopbackSsh {
  readonly config: string;
  /** The daemon and its sessions: the receiving half of the peers' work. */
  readonly family: ProcessFamily;
  readonly pid: number;
  readonly #child: ChildProcess;
  readonly #ownSeparation: boolean;

  private constructor(fields: { config: string; pid: number; child: ChildProcess; ownSeparation: boolean }) {
    this.config = fields.config;
    this.pid = fields.pid;
    this.family = new ProcessFamily({ sshd: fields.pid });
    this.#child = fields.child;
    this.#ownSeparation = fields.ownSeparation;
  }

  static async start({ folder, signal }: { folder: string; signal: AbortSignal }): Promise<LoopbackSsh> {
    installServer();
    const home = path.join(folder, 'ssh');
    fs.mkdirSync(home, { mode: 0o700 });
    for (const key of ['host', 'client'])
      await run({ program: 'ssh-keygen', args: ['-q', '-t', 'ed25519', '-N', '', '-f', path.join(home, key)], signal });
    const port = await freePort();
    const [serverConfig, config] = writeConfiguration(home, port, path.join(folder, 'borg-serve'));
    const ownSeparation = process.getuid?.() === 0 && !fs.existsSync(PRIVILEGE_SEPARATION);
    if (ownSeparation) fs.mkdirSync(PRIVILEGE_SEPARATION, { mode: 0o755 });
    const child = spawn(SSHD, ['-D', '-e', '-f', serverConfig], { stdio: ['ignore', 'ignore', 'pipe'] });
    process.once('exit', () => child.kill('SIGKILL'));
    let output = '';
    child.stderr.on('data', (data: Buffer) => {
      output = (output + data.toString('utf8')).slice(-2000);
    });
    const { pid } = child;
    if (pid === undefined) throw new Error(`${SSHD} did not start`);
    const ssh = new LoopbackSsh({ config, pid, child, ownSeparation });
    try {
      await ssh.#untilReady(signal, () => output);
    } catch (error) {
      await ssh.stop();
      throw error;
    }
    return ssh;
  }

  /** Sessions end a little after their clients; what they cost is only known when the daemon has collected them. */
  async drained(): Promise<void> {
    const deadline = performance.now() + DRAIN_MS;
    while (this.family.size() > 1) {
      if (performance.now() > deadline) throw new Error('a session of the loopback sshd does not end');
      await sleep(20);
    }
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      const exited = new Promise((resolve) => this.#child.once('exit', resolve));
      this.#child.kill('SIGTERM');
      await exited;
    }
    if (this.#ownSeparation) fs.rmdirSync(PRIVILEGE_SEPARATION);
  }

  async #untilReady(signal: AbortSignal, output: () => string): Promise<void> {
    const deadline = performance.now() + READY_MS;
    for (;;) {
      try {
        await run({ program: 'ssh', args: ['-F', this.config, SSH_HOST, 'true'], signal });
        return;
      } catch (error) {
        signal.throwIfAborted();
        if (performance.now() > deadline || this.#child.exitCode !== null)
          throw new Error(`the loopback sshd is not reachable: ${(error as Error).message}\n${output()}`);
        await sleep(100);
      }
    }
  }
}

function installServer(): void {
  const isThere = (): boolean => fs.existsSync(SSHD);
  if (isThere()) return;
  const packages = ['openssh-server', 'openssh-client'];
  if (!needPackage({ what: 'the peers over ssh', packages, isThere }))
    throw new Error('openssh-server is missing; install it, or leave the peers over ssh out with --peers');
  // The system's own sshd was not asked for: it must not be there after the next start of the machine either.
  spawnSync('systemctl', ['disable', 'ssh.service', 'ssh.socket']);
}

function writeConfiguration(home: string, port: number, borgFolder: string): [server: string, client: string] {
  const at = (name: string): string => path.join(home, name);
  const user = os.userInfo().username;
  const server = [
    `Port ${port}`,
    'ListenAddress 127.0.0.1',
    `HostKey ${at('host')}`,
    `AuthorizedKeysFile ${at('client.pub')}`,
    `AllowUsers ${user}`,
    'AuthenticationMethods publickey',
    'PermitRootLogin prohibit-password',
    'UsePAM no',
    'PidFile none',
    // The keys lie below the temporary folder, which others may write to.
    'StrictModes no',
    'Subsystem sftp internal-sftp',
    `SetEnv BORG_BASE_DIR=${borgFolder}`,
  ];
  const client = [
    `Host ${SSH_HOST}`,
    'HostName 127.0.0.1',
    `Port ${port}`,
    `User ${user}`,
    `IdentityFile ${at('client')}`,
    'IdentitiesOnly yes',
    'BatchMode yes',
    `UserKnownHostsFile ${at('known_hosts')}`,
    'StrictHostKeyChecking yes',
  ];
  fs.writeFileSync(at('sshd_config'), `${server.join('\n')}\n`);
  fs.writeFileSync(at('ssh_config'), `${client.join('\n')}\n`);
  fs.writeFileSync(at('known_hosts'), `[127.0.0.1]:${port} ${fs.readFileSync(at('host.pub'), 'utf8')}`);
  return [at('sshd_config'), at('ssh_config')];
}

async function freePort(): Promise<number> {
  const probe = net.createServer();
  await new Promise<void>((resolve) => probe.listen(0, '127.0.0.1', resolve));
  const { port } = probe.address() as net.AddressInfo;
  await new Promise((resolve) => probe.close(resolve));
  return port;
}
