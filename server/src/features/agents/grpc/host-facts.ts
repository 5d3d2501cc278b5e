import type { HostFacts } from '../domain/agent.js';

/** What an agent that says nothing of its host is taken to have said. */
export function emptyHostFacts(): HostFacts {
  return { hostName: '', operatingSystem: '', architecture: '', agentVersion: '' };
}
