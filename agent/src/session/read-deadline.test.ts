import { ManualClock } from '@holdfast/core/clock';
import { describe, expect, it } from 'vitest';
import { READ_TIMEOUT_MS, ReadDeadline } from './read-deadline.js';

describe("a read's deadline", () => {
  const scene = () => {
    const clock = new ManualClock();
    const ends: number[] = [];
    return { clock, ends, deadline: new ReadDeadline(clock, () => ends.push(clock.monotonic())) };
  };

  it('does not count what it waited before its first answer', async () => {
    const { clock, ends, deadline } = scene();
    await clock.advance(READ_TIMEOUT_MS - 1_000);
    deadline.answered();
    await clock.advance(READ_TIMEOUT_MS - 2_000);
    deadline.answered();
    expect(ends).toEqual([]);
    await clock.advance(2_000);
    expect(ends).toEqual([2 * READ_TIMEOUT_MS - 1_000]);
  });

  it('comes for one that is never answered, and for none that has ended', async () => {
    const silent = scene();
    await silent.clock.advance(READ_TIMEOUT_MS);
    expect(silent.ends).toHaveLength(1);
    const ended = scene();
    ended.deadline.stop();
    await ended.clock.advance(READ_TIMEOUT_MS);
    expect([ended.ends, ended.clock.waiting]).toEqual([[], 0]);
  });
});
