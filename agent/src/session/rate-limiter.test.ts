import { ManualClock } from '@holdfast/core/clock';
import { describe, expect, it } from 'vitest';
import { RateLimiter } from './rate-limiter.js';

const MB = 1_000_000;
const never = new AbortController().signal;

interface Flow {
  passed: number;
  stop(): void;
}

/** Somebody who always has something more to send. */
function flow(limiter: RateLimiter, bytesEach: () => number = () => limiter.pieceBytes): Flow {
  const over = new AbortController();
  const state = { passed: 0, stop: () => over.abort() };
  const run = async (): Promise<void> => {
    for (;;) {
      const bytes = bytesEach();
      await limiter.take(bytes, over.signal);
      state.passed += bytes;
    }
  };
  run().catch(() => undefined);
  return state;
}

/** Time passes in steps, so that whoever was woken can come back in between. */
async function pass(clock: ManualClock, ms: number): Promise<void> {
  for (let left = ms; left > 0; left -= 5) {
    await clock.advance(Math.min(5, left));
    for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
  }
}

function limited(rate: number): { clock: ManualClock; limiter: RateLimiter } {
  const clock = new ManualClock();
  const limiter = new RateLimiter(clock);
  limiter.setRate(rate);
  return { clock, limiter };
}

function expectWithin5Percent(bytes: number, expected: number): void {
  expect(bytes).toBeGreaterThan(expected * 0.95);
  expect(bytes).toBeLessThan(expected * 1.05);
}

describe('a rate limiter', () => {
  it.each([20_000, 100_000, MB, 10 * MB, 100 * MB])(
    'lets %d bytes per second pass, give or take five in a hundred',
    async (rate) => {
      const { clock, limiter } = limited(rate);
      const flows = [flow(limiter), flow(limiter), flow(limiter)];
      await pass(clock, 20_000);
      const passed = flows.map((each) => each.passed);
      expectWithin5Percent(
        passed.reduce((sum, each) => sum + each, 0),
        20 * rate,
      );
      // In the order of the calls, so nobody starves.
      expect(Math.max(...passed) - Math.min(...passed)).toBeLessThanOrEqual(limiter.pieceBytes);
      for (const each of flows) each.stop();
    },
  );

  it('keeps to the rate with pieces of any size', async () => {
    const { clock, limiter } = limited(MB);
    let turn = 0;
    const bytes = flow(limiter, () => [100, 3 * MB, 70_000][turn++ % 3] as number);
    await pass(clock, 60_000);
    expectWithin5Percent(bytes.passed, 60 * MB);
    bytes.stop();
  });

  it('follows a new rate at once, also for who waits already', async () => {
    const { clock, limiter } = limited(20_000);
    const bytes = flow(limiter, () => 200_000);
    await pass(clock, 1_000);
    expect(bytes.passed).toBeLessThanOrEqual(200_000);
    limiter.setRate(2 * MB);
    const [from, raisedFor] = [bytes.passed, 10_000];
    await pass(clock, raisedFor);
    expectWithin5Percent(bytes.passed - from, 20 * MB);
    limiter.setRate(100_000);
    const lowered = bytes.passed;
    await pass(clock, 20_000);
    // What had been taken ahead under the higher rate is paid off first.
    expect(bytes.passed - lowered).toBeLessThan(20 * 100_000 * 1.05);
    expect(bytes.passed - lowered).toBeGreaterThan(20 * 100_000 - 400_000);
    bytes.stop();
  });

  it('holds nobody back without a rate, nor any longer once there is none', async () => {
    const clock = new ManualClock();
    const limiter = new RateLimiter(clock);
    for (let index = 0; index < 100; index += 1) await limiter.take(100 * MB, never);
    limiter.setRate(20_000);
    const waiting = Promise.all([limiter.take(MB, never), limiter.take(MB, never)]);
    await pass(clock, 100);
    limiter.setRate(undefined);
    await waiting;
    expect([limiter.pieceBytes, limiter.bytesPerSecond, clock.waiting]).toEqual([1024 * 1024, undefined, 0]);
  });

  it('saves nothing up while nobody asks', async () => {
    const { clock, limiter } = limited(MB);
    await pass(clock, 3_600_000 / 100);
    const bytes = flow(limiter, () => 10_000);
    await pass(clock, 1_000);
    expect(bytes.passed).toBeLessThan(1.3 * MB);
    bytes.stop();
  });

  it('lets go of who does not want to wait any longer, without a byte for it', async () => {
    const { clock, limiter } = limited(MB);
    await pass(clock, 5);
    await limiter.take(MB, never);
    const leaving = new AbortController();
    const left = limiter.take(MB, leaving.signal);
    const kept = limiter.take(10, never);
    leaving.abort();
    await expect(left).rejects.toMatchObject({ kind: 'Cancelled' });
    await pass(clock, 1_000);
    await kept;
    await expect(limiter.take(1, AbortSignal.abort())).rejects.toMatchObject({ kind: 'Cancelled' });
    expect(clock.waiting).toBe(0);
  });
});
