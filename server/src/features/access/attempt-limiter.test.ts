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

  it('lets strangers who guess a name not lock its owner out of an address that it signed in from', () => {
    const limiter = createAttemptLimiter(new ManualClock());
    const limited: unknown = expect.objectContaining({ kind: 'RateLimited' });
    const own = '198.51.100.7';
    limiter.failed(own, 'ada');
    limiter.succeeded(own, 'ada');
    for (let i = 0; i < 10; i += 1) limiter.failed(`192.0.2.${i}`, 'ada');
    expect(() => limiter.check('192.0.2.99', 'ada')).toThrowError(limited);
    limiter.check(own, 'ada');
    limiter.failed(own, 'ada');
    limiter.succeeded(own, 'ada');
    // A sign-in does not give the guessers new tries.
    expect(() => limiter.check('192.0.2.99', 'ada')).toThrowError(limited);
    for (let i = 0; i < 10; i += 1) limiter.failed(own, 'ada');
    expect(() => limiter.check(own, 'ada')).toThrowError(limited);
  });

  it('counts a whole IPv6 network as one address: one host has all of it', () => {
    const limiter = createAttemptLimiter(new ManualClock());
    for (let i = 1; i <= 30; i += 1) limiter.failed(`2001:db8:1:2::${i}`, `name${i}`);
    expect(() => limiter.check('2001:db8:1:2:ffff::1', 'new')).toThrowError(
      expect.objectContaining({ kind: 'RateLimited' }),
    );
    limiter.check('2001:db8:1:3::1', 'new');
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
