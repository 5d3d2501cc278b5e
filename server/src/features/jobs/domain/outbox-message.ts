/** One thing to do after commit, at least once. `payload` is JSON without secrets. */
export interface OutboxMessage {
  readonly id: string;
  readonly kind: OutboxKind;
  readonly payload: Readonly<Record<string, string | number>>;
  readonly attempts: number;
  readonly dueAt: number;
}

export type OutboxKind = 'DISPATCH_JOB' | 'CANCEL_JOB' | 'END_SESSIONS' | 'VOID_AGENT' | 'FAILURE_WEBHOOK';
