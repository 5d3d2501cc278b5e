import { arch, hostname, release, type } from 'node:os';
import type { HostFacts } from '../enrollment/ports.js';
import { agentVersion } from '../version.js';

export function readHostFacts(hostName = hostname()): HostFacts {
  return { hostName, operatingSystem: `${type()} ${release()}`, architecture: arch(), agentVersion: agentVersion() };
}
