import type { HoldfastError } from '@holdfast/core/errors';
import type { BandwidthLimits } from '@holdfast/core/policy';
import type { OwnHost } from '../../platform/own-host.js';
import type { Pace } from '../../platform/pace.js';
import type { Authority } from '../../platform/pki/certificate-authority.js';
import type { AttemptLimiter } from '../access/attempt-limiter.js';
import type { JobRef } from '../jobs/domain/job.js';
import type { FilesSource, JobCommand } from '../jobs/domain/job-command.js';
import type { RootTrouble } from '../protected-items/domain/pre-check.js';

/** What control says to an agent beside answers to its own messages. */
export type AgentMessage =
  | { readonly kind: 'start'; readonly job: JobRef; readonly command: JobCommand }
  | { readonly kind: 'cancel'; readonly job: JobRef }
  | { readonly kind: 'check'; readonly checkId: string; readonly files: FilesSource }
  | { readonly kind: 'bandwidth'; readonly limits: BandwidthLimits };

/** One open control stream. */
export interface AgentLink {
  readonly agentId: string;
  /** False: the stream has ended, nothing was sent. */
  send(message: AgentMessage): boolean;
  end(reason: HoldfastError): void;
}

/** The agents whose control streams end in this process. */
export interface AgentConnections {
  /** The agent's stream, once its Hello has been answered. */
  ready(agentId: string): AgentLink | undefined;
  /** The same, before that too. */
  attached(agentId: string): AgentLink | undefined;
  readyIds(): string[];
  /** When a connected agent was last heard; undefined when it is not connected. */
  lastSeenAt(agentId: string): number | undefined;
  /** Ends the agent's stream, also one that has not been answered yet. */
  end(agentId: string, reason: HoldfastError): void;
}

/** How datasources look on hosts right now. */
export interface SourceChecker {
  /** The roots that could not be backed up; undefined when the agent is not connected or does not answer soon. */
  ask(agentId: string, files: FilesSource): Promise<readonly RootTrouble[] | undefined>;
  answered(agentId: string, checkId: string, troubles: readonly RootTrouble[]): void;
}

export interface AgentServices {
  readonly authority: Pick<Authority, 'certificate' | 'fingerprint' | 'certify'>;
  readonly connections: AgentConnections;
  readonly sourceChecks: SourceChecker;
  /** Failed enrolments, counted per address and token. */
  readonly attempts: AttemptLimiter;
  /** Renewals of certificates, by agent: each is signed and stands in the audit log. */
  readonly renewals: Pace;
  readonly addresses: AgentAddresses;
  readonly ownHost: OwnHost;
}

/** host:port under which agents reach the listeners. */
export interface AgentAddresses {
  readonly control: string;
  readonly enrollment: string;
  /** Known once the gateway serves. Throws Unavailable before. */
  data(): string;
}
