import type { Counters, PathNotice } from '@holdfast/proto/v1';
import { describe, expect, it } from 'vitest';
import { fromCounters, fromJobFinished, fromJobProgress } from './job-messages.js';

const LARGEST = 2n ** 64n - 1n;
const LIES: Counters = {
  entries: LARGEST,
  files: LARGEST,
  bytesTotal: LARGEST,
  bytesRead: LARGEST,
  bytesChanged: LARGEST,
  bytesSent: LARGEST,
  bytesStored: LARGEST,
  bytesWritten: LARGEST,
  warnings: LARGEST,
  entriesSkipped: LARGEST,
};

function finished(message: string, notice: Partial<PathNotice> = {}) {
  return fromJobFinished({
    job: undefined,
    counters: LIES,
    notices: [{ path: Buffer.from('/x'), kind: 1, message, ...notice }],
    noticesTotal: LARGEST,
    outcome: { $case: 'failure', value: { code: message, message, details: {} } },
  });
}

describe('what an agent says of its jobs', () => {
  it('is cut to amounts that every column and every sum holds', () => {
    expect(Object.values(fromCounters(LIES))).toEqual(Array.from({ length: 10 }, () => 2n ** 53n - 1n));
    expect(finished('x').noticesTotal).toBe(2 ** 31 - 1);
    const { expectedBytes } = fromJobProgress({
      job: undefined,
      phase: 2,
      counters: LIES,
      expectedBytes: LARGEST,
      expectedEntries: LARGEST,
      waitingFor: '',
    });
    expect(expectedBytes).toBe(2n ** 53n - 1n);
  });

  it('may say at some length what it waits for', () => {
    const report = { job: undefined, phase: 2, counters: undefined, expectedBytes: 0n, expectedEntries: 0n };
    expect(fromJobProgress({ ...report, waitingFor: 'The store is not there.' }).waitingFor).toBe(
      'The store is not there.',
    );
    expect(fromJobProgress({ ...report, waitingFor: 'x'.repeat(100_000) }).waitingFor.length).toBeLessThanOrEqual(
      1_000,
    );
  });

  it('may name a phase or a kind of notice that this server has no name for', () => {
    const report = { job: undefined, counters: undefined, expectedBytes: 0n, expectedEntries: 0n, waitingFor: '' };
    expect(fromJobProgress({ ...report, phase: 99 as never }).phase).toBe('PREPARING');
    expect(fromJobProgress({ ...report, phase: -1 as never }).phase).toBe('PREPARING');
    expect(finished('x', { kind: 77 as never }).notices[0]?.kind).toBe('UNKNOWN');
  });

  it('keeps as many notices as fit into half a megabyte, and how many there were', () => {
    const notice = { path: Buffer.alloc(16 * 1024, 'x'), kind: 1, message: 'm' };
    const result = fromJobFinished({
      job: undefined,
      counters: LIES,
      notices: Array.from({ length: 1_000 }, () => notice),
      noticesTotal: 1_000n,
      outcome: { $case: 'cancelled', value: {} },
    });
    expect(result.notices).toHaveLength(31);
    expect(result.noticesTotal).toBe(1_000);
  });

  it('brings no control characters, no half characters and nothing endless', () => {
    const { outcome, notices } = finished(`a\u0000b\u001b[2J\nc${'\u{1f4a5}'.repeat(5_000)}`);
    if (outcome.kind !== 'failure') throw new Error('not a failure');
    for (const text of [outcome.code, outcome.message, notices[0]?.message ?? '']) {
      expect(text).toMatch(/^a b \[2J c/);
      expect(text).not.toMatch(/\p{Cc}/u);
      expect(text.isWellFormed()).toBe(true);
      expect(text.length).toBeLessThanOrEqual(1_000);
    }
  });
});
