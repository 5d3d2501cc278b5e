import { createHash, randomBytes } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { arch, hostname, release, type } from 'node:os';
import type { HostFacts } from '../enrollment/ports.js';
import { agentVersion } from '../version.js';

const INSTANCE_BYTES = 16;

export function readHostFacts(): HostFacts {
  return {
    hostName: hostname(),
    operatingSystem: `${type()} ${release()}`,
    architecture: arch(),
    agentVersion: agentVersion(),
  };
}

/** 16 bytes that this state folder has on this running system, and a copy of it or of the host has not. */
export function readInstance(stateFolder: string, bootIdSha256: Buffer | undefined): Buffer {
  if (bootIdSha256 === undefined) return randomBytes(INSTANCE_BYTES);
  const { dev, ino } = statSync(stateFolder, { bigint: true });
  return createHash('sha256').update(bootIdSha256).update(` ${dev} ${ino}`).digest().subarray(0, INSTANCE_BYTES);
}

/** Tells this kernel's run from every other; containers share it with their host. Undefined where the system has none. */
export function readBootIdSha256(): Buffer | undefined {
  try {
    const bootId = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8');
    return createHash('sha256').update(bootId.trim()).digest();
  } catch {
    return undefined;
  }
}
