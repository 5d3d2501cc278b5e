import { spawnSync } from 'node:child_process';
import { needPackage } from '../../kit/need-package.js';
import type { Peer } from '../options.js';
import { Borg } from './borg.js';
import type { Contender } from './contender.js';
import { LoopbackSsh } from './loopback-ssh.js';
import { Restic } from './restic.js';

interface PeerSetting {
  readonly folder: string;
  readonly signal: AbortSignal;
}

export interface Peers {
  readonly contenders: readonly Contender[];
  stop(): Promise<void>;
}

/** @throws Error when a peer is not there and cannot be installed: a race without it would be another one */
export async function startPeers(names: readonly Peer[], setting: PeerSetting): Promise<Peers> {
  if (names.some((name) => name.startsWith('restic'))) mustHave('restic', 'restic');
  if (names.some((name) => name.startsWith('borg'))) mustHave('borg', 'borgbackup');
  const overSsh = names.includes('restic-sftp') || names.includes('borg-ssh');
  const ssh = overSsh ? await LoopbackSsh.start(setting) : undefined;
  const all: Record<Peer, () => Contender> = {
    restic: () => new Restic(setting),
    borg: () => new Borg(setting),
    'restic-sftp': () => new Restic(setting, ssh),
    'borg-ssh': () => new Borg(setting, ssh),
  };
  return { contenders: names.map((name) => all[name]()), stop: async () => await ssh?.stop() };
}

function mustHave(program: string, debianPackage: string): void {
  const isThere = (): boolean => spawnSync('sh', ['-c', `command -v ${program}`]).status === 0;
  if (!needPackage({ what: `the peer ${program}`, packages: [debianPackage], isThere }))
    throw new Error(`${program} is missing; install it, or leave it out with --peers`);
}
