import type { BandwidthLimits } from '@holdfast/core/policy';
import type { Page, PageRequest } from '../../platform/page.js';
import type { Scope } from '../access/domain/scope.js';
import type { Agent, EnrollmentToken, HostFacts } from './domain/agent.js';

export interface AgentFilter {
  readonly subscriptionId?: string;
  /** Only these; with `revoked: false`, the connected ones. */
  readonly ids?: readonly string[];
  readonly exceptIds?: readonly string[];
  readonly revoked?: boolean;
}

export interface AgentStore {
  insert(agent: Agent): Promise<void>;
  get(id: string): Promise<Agent | undefined>;
  getMany(ids: readonly string[]): Promise<Agent[]>;
  /** The agent of that name that is not revoked. */
  findByName(subscriptionId: string, name: string): Promise<Agent | undefined>;
  /** Those inside the scopes, by enrolment. */
  list(scopes: readonly Scope[], filter: AgentFilter, page: PageRequest): Promise<Page<Agent>>;
  /** What the agent said when it connected. */
  introduce(
    id: string,
    facts: {
      readonly host: HostFacts;
      readonly capabilities: readonly string[];
      readonly lastSeenAt: number;
      readonly instance: string;
    },
  ): Promise<void>;
  setBandwidth(id: string, bandwidth: BandwidthLimits): Promise<void>;
  touch(id: string, lastSeenAt: number): Promise<void>;
  /** False if it was revoked before. */
  revoke(id: string, at: number): Promise<boolean>;
}

export interface EnrollmentTokenStore {
  insert(token: EnrollmentToken): Promise<void>;
  findByHash(secretHash: string): Promise<EnrollmentToken | undefined>;
  /** Marks it used; false when it was used already, so that two at once enrol one agent. */
  use(id: string, at: number): Promise<boolean>;
}
