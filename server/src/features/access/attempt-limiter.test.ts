import { ManualClock } from '@holdfast/core/clock';
import { describe, expect, it } from 'vitest';
import { createAttemptLimiter } from './attempt-limiter.js';

const QUARTER = 15 * 60_000;

describe('the limit on attempts', () => {
  it('stops a name after ten failures wherever they came from, for a quarter of an hour', async () => {
    const clock = new ManualClock();
    const limiter = createAttemptLimiter(clock);
    for (let i = 0; i < 10; i += 1) {
      limiter.check(`192.0.2.${i}`, 'ada');
      limiter.failed(`192.0.2.${i}`, 'ada');
    }
    expect(() => limiter.check('192.0.2.99', 'ada')).toThrowError(
      expect.objectContaining({ kind: 'RateLimited', details: { retryAfterSeconds: '900' } }),
    );
    limiter.check('192.0.2.99', 'grace');
    await clock.advance(QUARTER);
    limiter.check('192.0.2.99', 'ada');
  });

  it('stops an address after thirty failures under whatever names, but counts no good attempt', () => {
    const limiter = createAttemptLimiter(new ManualClock());
    for (let i = 0; i < 100; i += 1) {
      limiter.check('192.0.2.1', 'ada');
      limiter.failed('192.0.2.1', 'ada');
      limiter.succeeded('192.0.2.1', 'ada');
    }
    for (let i = 0; i < 30; i += 1) limiter.failed('192.0.2.1', `name${i}`);
    expect(() => limiter.check('192.0.2.1', 'new')).toThrowError(expect.objectContaining({ kind: 'RateLimited' }));
  });
});
