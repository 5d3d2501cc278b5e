import { describe, expect, it } from 'vitest';
import { pauseAfter } from './delivery.js';

describe('the pause before a message is delivered again', () => {
  it('doubles up to a limit', () => {
    expect([1, 2, 3, 4, 50].map((tries) => pauseAfter('DISPATCH_JOB', tries))).toEqual([250, 500, 1_000, 1_000, 1_000]);
    expect([1, 2, 8, 1_000].map((tries) => pauseAfter('VOID_AGENT', tries))).toEqual([500, 1_000, 60_000, 60_000]);
  });

  it('ends where giving up is right', () => {
    expect([1, 4, 5].map((tries) => pauseAfter('FAILURE_WEBHOOK', tries))).toEqual([2_000, 16_000, undefined]);
    expect(pauseAfter('END_SESSIONS', 10)).toBeUndefined();
  });
});
