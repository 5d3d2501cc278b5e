import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { arch, hostname, release, type } from 'node:os';
import type { HostFacts } from '../enrollment/ports.js';
import { agentVersion } from '../version.js';

export function readHostFacts(hostName = hostname()): HostFacts {
  return { hostName, operatingSystem: `${type()} ${release()}`, architecture: arch(), agentVersion: agentVersion() };
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
