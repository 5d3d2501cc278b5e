import type { JobCounters, JobKind, JobPhase } from './job.js';

export interface ProgressReport {
  readonly phase: JobPhase;
  readonly counters: JobCounters;
  /** 0 while unknown; an estimate. */
  readonly expectedBytes: bigint;
  /** What the agent says that the job cannot go on without; empty while it goes on. */
  readonly waitingFor: string;
}

export interface ProgressState extends ProgressReport {
  /** Monotonic milliseconds. */
  readonly at: number;
  /** Content bytes a second between the last two reports. */
  readonly rate: bigint;
  /** Bytes a second of all that was gone through, smoothed; for the ETA. */
  readonly pace: number;
  readonly etaSeconds?: number;
  /** 0 to 1; absent while nobody knows how much there is. Never less than it was, whatever is counted anew or expected now. */
  readonly fraction?: number;
}

// A new report counts for a third: an ETA that follows every stutter is no help.
const WEIGHT = 1 / 3;
// Reports closer together than this say little about speed.
const SHORTEST_INTERVAL_MS = 200;
/** What takes longer than a year has no end that could be told; and an agent may expect what it likes. */
const LONGEST_ETA_SECONDS = 366 * 24 * 3_600;

/** What a backup comes to is an estimate by the one before, and does not say that all is done. */
const MOST_OF_AN_ESTIMATE = 0.99;

/** What a report says together with the one before. */
export function follow(
  previous: ProgressState | undefined,
  report: ProgressReport,
  kind: JobKind,
  at: number,
): ProgressState {
  const passedNow = done(report.counters, kind);
  const expectedBytes = atLeast(report.expectedBytes, passedNow);
  const now = { ...report, expectedBytes, ...fractionOf(previous, passedNow, expectedBytes, kind) };
  if (!previous) return { ...now, at, rate: 0n, pace: 0 };
  const elapsed = at - previous.at;
  if (elapsed < SHORTEST_INTERVAL_MS) return { ...previous, ...now };
  const perSecond = (bytes: bigint): number => (Math.max(0, Number(bytes)) * 1_000) / elapsed;
  const moved = perSecond(content(report.counters, kind) - content(previous.counters, kind));
  const passed = perSecond(passedNow - done(previous.counters, kind));
  const pace = previous.pace === 0 ? passed : previous.pace + (passed - previous.pace) * WEIGHT;
  const left = Number(expectedBytes - passedNow);
  const etaSeconds = pace > 0 ? Math.ceil(left / pace) : Number.POSITIVE_INFINITY;
  // An expectation that has been passed tells nothing about the rest.
  const known = left > 0 && etaSeconds <= LONGEST_ETA_SECONDS;
  return { ...now, at, rate: BigInt(Math.round(moved)), pace, ...(known && { etaSeconds }) };
}

/** A tree that is walked again and a file that is written again are counted anew: what was shown before stays shown until they get there. */
function fractionOf(
  previous: ProgressState | undefined,
  passed: bigint,
  expected: bigint,
  kind: JobKind,
): { readonly fraction?: number } {
  const before = previous?.fraction;
  if (expected === 0n) return before === undefined ? {} : { fraction: before };
  const most = kind === 'BACKUP' ? MOST_OF_AN_ESTIMATE : 1;
  return { fraction: Math.max(before ?? 0, Math.min(most, Number(passed) / Number(expected))) };
}

function content(counters: JobCounters, kind: JobKind): bigint {
  return kind === 'BACKUP' ? counters.bytesRead : counters.bytesWritten;
}

// An unchanged file is passed without being read, and a skipped one without being written; a large one counts while it is under way.
function done(counters: JobCounters, kind: JobKind): bigint {
  return larger(counters.bytesTotal, content(counters, kind));
}

/** A whole that was only estimated is never smaller than what there was of it already. */
function atLeast(expected: bigint, passed: bigint): bigint {
  return expected === 0n ? 0n : larger(expected, passed);
}

function larger(a: bigint, b: bigint): bigint {
  return a > b ? a : b;
}
