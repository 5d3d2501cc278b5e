import { describe, expect, it } from 'vitest';
import { losePower } from './power-loss.js';

describe('a gateway whose power is cut', () => {
  it('has every point that control recorded before, whatever the disk had not flushed', async () => {
    const { states, points } = await losePower('power', 15, 1);
    expect(states).toBeGreaterThan(20);
    expect(points).toBeGreaterThan(20);
  }, 240_000);
});
