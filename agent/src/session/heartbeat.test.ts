import { ManualClock } from '@holdfast/core/clock';
import { describe, expect, it } from 'vitest';
import { Heartbeat } from './heartbeat.js';

describe('the heartbeat', () => {
  it('beats at its interval and gives a connection up when nothing was heard for 20 s', async () => {
    const clock = new ManualClock();
    const beats: bigint[] = [];
    let silent = 0;
    const heartbeat = new Heartbeat(
      clock,
      5_000,
      (sequence) => beats.push(sequence),
      () => (silent += 1),
    );
    await clock.advance(15_000);
    expect([beats, silent]).toEqual([[1n, 2n, 3n], 0]);
    heartbeat.heard();
    await clock.advance(15_000);
    expect([beats.length, silent]).toEqual([6, 0]);
    await clock.advance(5_000);
    expect([beats.length, silent]).toEqual([6, 1]);
    await clock.advance(60_000);
    expect([beats.length, silent, clock.waiting]).toEqual([6, 1, 0]);
  });

  it('stops when told to', async () => {
    const clock = new ManualClock();
    const heartbeat = new Heartbeat(
      clock,
      1_000,
      () => undefined,
      () => undefined,
    );
    heartbeat.stop();
    expect(clock.waiting).toBe(0);
  });
});
