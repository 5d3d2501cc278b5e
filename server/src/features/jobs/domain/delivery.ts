import type { OutboxKind } from './outbox-message.js';

interface Rule {
  /** Undefined: until it succeeds or has become void. */
  readonly mostTries?: number;
  readonly firstPauseMs: number;
  readonly longestPauseMs: number;
}

const RULES: Readonly<Record<OutboxKind, Rule>> = {
  // Void when the lease ends.
  DISPATCH_JOB: { firstPauseMs: 250, longestPauseMs: 1_000 },
  CANCEL_JOB: { firstPauseMs: 250, longestPauseMs: 1_000 },
  // A gateway that is away so long has forgotten its sessions.
  END_SESSIONS: { mostTries: 10, firstPauseMs: 500, longestPauseMs: 30_000 },
  VOID_AGENT: { firstPauseMs: 500, longestPauseMs: 60_000 },
  FAILURE_WEBHOOK: { mostTries: 5, firstPauseMs: 2_000, longestPauseMs: 60_000 },
};

/** Pause after the failed try with this number (from 1), in milliseconds; undefined: give up. */
export function pauseAfter(kind: OutboxKind, attempts: number): number | undefined {
  const { mostTries, firstPauseMs, longestPauseMs } = RULES[kind];
  if (mostTries !== undefined && attempts >= mostTries) return undefined;
  return Math.min(firstPauseMs * 2 ** Math.min(attempts - 1, 20), longestPauseMs);
}
