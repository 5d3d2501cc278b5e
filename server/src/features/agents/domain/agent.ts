import type { BandwidthLimits } from '@holdfast/core/policy';

/** What a host says of itself. */
export interface HostFacts {
  readonly hostName: string;
  readonly operatingSystem: string;
  readonly architecture: string;
  readonly agentVersion: string;
}

export interface Agent {
  readonly id: string;
  readonly subscriptionId: string;
  readonly name: string;
  readonly host: HostFacts;
  /** For example `workload.files`; none before the agent first connected. */
  readonly capabilities: readonly string[];
  readonly bandwidth: BandwidthLimits;
  /** Milliseconds since 1970, as all times here. */
  readonly enrolledAt: number;
  /** Written sparsely: while the agent is connected, memory knows better. */
  readonly lastSeenAt?: number;
  /** Of its state folder on its running system, as it said when it connected last. */
  readonly instance?: string;
  readonly revokedAt?: number;
}

export type AgentStatus = 'ONLINE' | 'OFFLINE' | 'REVOKED';

export interface EnrollmentToken {
  readonly id: string;
  /** SHA-256 of the secret, hex: the secret itself is kept nowhere. */
  readonly secretHash: string;
  readonly subscriptionId: string;
  readonly agentName: string;
  readonly createdBy: string;
  readonly createdAt: number;
  readonly expiresAt: number;
  readonly usedAt?: number;
}

const LONGEST_FACT = 256;
const MOST_CAPABILITIES = 64;

/** Facts come from the host: cut to a length that fits on a page, control characters dropped. */
export function tidyHostFacts(facts: HostFacts): HostFacts {
  return {
    hostName: tidy(facts.hostName),
    operatingSystem: tidy(facts.operatingSystem),
    architecture: tidy(facts.architecture),
    agentVersion: tidy(facts.agentVersion),
  };
}

export function tidyCapabilities(capabilities: readonly string[]): string[] {
  return [...new Set(capabilities.map(tidy))].filter((each) => each !== '').slice(0, MOST_CAPABILITIES);
}

function tidy(text: string): string {
  return text
    .replaceAll(/\p{Cc}/gu, '')
    .trim()
    .slice(0, LONGEST_FACT);
}
