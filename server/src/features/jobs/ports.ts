import type { Context } from '../../platform/context.js';
import type { VaultStoreRef } from '../../platform/gateway-client.js';
import type { Page, PageRequest } from '../../platform/page.js';
import type { Scope } from '../access/domain/scope.js';
import type { Stores } from '../stores.js';
import type { Job, JobKind, JobNotice, JobRef, JobState } from './domain/job.js';
import type { JobCommand } from './domain/job-command.js';
import type { JobResult } from './domain/job-result.js';
import type { OutboxKind, OutboxMessage } from './domain/outbox-message.js';

/** What a session at the gateway may touch. */
export interface SessionScope {
  readonly kind: 'BACKUP' | 'RESTORE';
  readonly vault: VaultStoreRef;
  readonly itemId: string;
  readonly domainId: string;
  /** RESTORE: the node where reading may start. */
  readonly rootNode?: Uint8Array;
  /** RESTORE: the agent that made the point. */
  readonly sourceAgentId?: string;
}

/** What the features that own a kind of job tell the queue about it. One handler per kind. */
export interface JobKindHandler {
  readonly kind: JobKind;
  /**
   * Called after the claim's transaction, outside any other, and again when a command has to be sent
   * again under the same epoch. Keys live in the answer only. What it throws fails the job; Unavailable,
   * Timeout, Locked and RateLimited put it back to be tried later.
   */
  buildCommand(ctx: Context, job: Job): Promise<JobCommand>;
  /**
   * Called in the transaction that settles a job that an agent reports to be over, whatever the outcome, before
   * the job is saved. Throws HoldfastError, before it changes anything, to fail the job with that reason: for
   * example when a backup names a point that was never recorded.
   */
  onFinished(ctx: Context, stores: Stores, job: Job, result: JobResult): Promise<void>;
  /**
   * The point that the catalog already has from this job though its agent never reported the end.
   * A job whose lease ends is COMPLETED when there is one.
   */
  recordedPoint(stores: Stores, job: Job): Promise<RecordedPoint | undefined>;
  /** What a session of this job may touch. Job, epoch and agent have been checked. */
  sessionScope(ctx: Context, stores: Stores, job: Job): Promise<SessionScope>;
}

export type RecordedPoint = Required<Pick<Job, 'recoveryPointId' | 'backupType'>> & Pick<Job, 'counters'>;

export type JobKindHandlers = Readonly<Record<JobKind, JobKindHandler>>;

export interface JobFilter {
  readonly subscriptionId?: string;
  readonly vaultId?: string;
  readonly protectedItemId?: string;
  readonly agentId?: string;
  readonly kind?: JobKind;
  readonly states?: readonly JobState[];
}

/**
 * The job table. Every method runs in the caller's transaction. What `lock…` and `claim…` return
 * nobody else changes until that transaction ends.
 */
export interface JobStore {
  insert(job: Job): Promise<void>;
  get(id: string): Promise<Job | undefined>;
  getMany(ids: readonly string[]): Promise<Job[]>;
  lock(id: string): Promise<Job | undefined>;
  /** Saves a job that this transaction locked or inserted. Throws Locked when the item has another active job: the transaction is lost. */
  save(job: Job): Promise<void>;
  /**
   * Locks the first job that may be dispatched now to one of these agents: restores first, then the oldest;
   * none of an item that has an active job, none of an agent that has `agentLimit` active jobs.
   */
  lockNextClaimable(question: {
    readonly agentIds: readonly string[];
    readonly now: number;
    readonly agentLimit: number;
  }): Promise<Job | undefined>;
  /** Locks jobs whose lease ended; rows that others hold are passed over. */
  lockExpired(now: number, limit: number): Promise<Job[]>;
  lockUnfinishedOfAgent(agentId: string): Promise<Job[]>;
  /** Prolongs the leases of those of these jobs that the agent holds under these epochs and nobody cancelled. Answers those it still holds, cancelled ones too. */
  renewLeases(agentId: string, jobs: readonly JobRef[], leaseUntil: number): Promise<JobRef[]>;
  /** Active jobs of these items, for what a queued one waits for. */
  activeOfItems(itemIds: readonly string[]): Promise<Job[]>;
  activeCountOfAgents(agentIds: readonly string[]): Promise<Map<string, number>>;
  /** Those inside the scopes, by creation. */
  list(scopes: readonly Scope[], filter: JobFilter, page: PageRequest): Promise<Page<Job>>;
  putNotices(jobId: string, notices: readonly JobNotice[]): Promise<void>;
  notices(jobId: string): Promise<JobNotice[]>;
}

export interface OutboxStore {
  append(message: {
    readonly id: string;
    readonly kind: OutboxKind;
    readonly payload: OutboxMessage['payload'];
    readonly dueAt: number;
  }): Promise<void>;
  /** Takes due messages, oldest first, and hides them until `hiddenUntil`, so that a crash leads to another delivery. */
  take(question: {
    readonly now: number;
    readonly hiddenUntil: number;
    readonly limit: number;
  }): Promise<OutboxMessage[]>;
  /** Delivered, void, or given up: forget it. */
  remove(id: string): Promise<void>;
  retryAt(id: string, dueAt: number): Promise<void>;
}

/** Who may see live updates hears of them here. Called after commit. */
export interface JobEvents {
  changed(job: Pick<Job, 'id' | 'subscriptionId'>): void;
}
