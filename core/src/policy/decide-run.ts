import { createHash } from 'node:crypto';
import { nextOccurrence, previousOccurrence } from './occurrences.js';
import type { ScheduleRule } from './schedule-rule.js';

export interface RunQuestion {
  readonly rule: ScheduleRule;
  /** The latest occurrence that was served, by a run or by being skipped; or when the schedule came into force. */
  readonly servedUntilMs: number;
  readonly nowMs: number;
  /** How long after an occurrence this item starts: see `jitterOffset`. */
  readonly offsetMs: number;
}

export interface RunDecision {
  /** Start a run now for this occurrence, and remember it as served. Absent: nothing is due. */
  readonly run?: {
    readonly occurrenceMs: number;
    /** Earlier occurrences were missed (downtime, a long run); this one run stands for them all. */
    readonly catchesUp: boolean;
  };
  /** When to ask again. */
  readonly nextAtMs: number;
}

/** Whether a run is due. After any downtime exactly one is, for the latest occurrence that passed. */
export function decideRun({ rule, servedUntilMs, nowMs, offsetMs }: RunQuestion): RunDecision {
  const occurrenceMs = previousOccurrence(rule, nowMs - offsetMs);
  const nextAtMs = nextOccurrence(rule, Math.max(occurrenceMs, servedUntilMs)) + offsetMs;
  if (occurrenceMs <= servedUntilMs) return { nextAtMs };
  const catchesUp = previousOccurrence(rule, occurrenceMs - 1) > servedUntilMs;
  return { run: { occurrenceMs, catchesUp }, nextAtMs };
}

/**
 * An item's own delay within a window, in milliseconds: the same each time, and spread evenly over
 * items, so that a policy with a thousand items does not start them all at once.
 */
export function jitterOffset(itemId: string, windowMs: number): number {
  const hash = createHash('sha256').update('holdfast jitter v1').update(itemId).digest();
  return Math.floor((hash.readUIntBE(0, 6) / 2 ** 48) * windowMs);
}
