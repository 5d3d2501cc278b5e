import type { Page, PageRequest } from '../../platform/page.js';
import type { Principal } from '../access/domain/principal.js';

export const AUDIT_OUTCOMES = ['SUCCEEDED', 'REFUSED', 'FAILED'] as const;
export type AuditOutcome = (typeof AUDIT_OUTCOMES)[number];

export interface AuditTarget {
  /** GraphQL type name: `Vault`, `Job`. */
  readonly type: string;
  readonly id: string;
}

export interface AuditEntry {
  /** The operation's name in the API (`createVault`, `signIn`) or the task's. */
  readonly action: string;
  readonly target?: AuditTarget;
  readonly outcome: AuditOutcome;
  /** A code of the error table or a finer reason. Never a secret, never file content. */
  readonly reason?: string;
  readonly repeated?: AuditRepetition;
}

/** Several of the same that are written as one. */
export interface AuditRepetition {
  readonly count: number;
  /** Milliseconds since 1970, UTC; absent when only the number is known. */
  readonly firstAt?: number;
  readonly lastAt?: number;
}

/** Who and when: taken from the context of the call. */
export interface AuditOrigin {
  readonly principal: Principal;
  readonly address?: string;
}

export interface AuditEvent {
  readonly id: string;
  /** Milliseconds since 1970, UTC. */
  readonly at: number;
  readonly actor: string;
  readonly action: string;
  readonly targetType?: string;
  readonly targetId?: string;
  readonly outcome: AuditOutcome;
  readonly reason?: string;
  readonly address?: string;
  readonly repeated: AuditRepetition;
}

export interface AuditFilter {
  readonly actor?: string;
  readonly action?: string;
  readonly outcome?: AuditOutcome;
}

/** Append-only: rows are never changed or deleted. */
export interface AuditStore {
  append(origin: AuditOrigin, entry: AuditEntry): Promise<void>;
  get(id: string): Promise<AuditEvent | undefined>;
  list(filter: AuditFilter, page: PageRequest): Promise<Page<AuditEvent>>;
}
