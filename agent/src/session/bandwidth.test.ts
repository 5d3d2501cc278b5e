import { ManualClock } from '@holdfast/core/clock';
import type { BandwidthLimits } from '@holdfast/core/policy';
import { describe, expect, it } from 'vitest';
import { Bandwidth } from './bandwidth.js';

const HOUR_MS = 3_600_000;
const LIMITS: BandwidthLimits = {
  downloadBytesPerSecond: 4_000_000,
  windows: [
    {
      weekdays: [1, 2, 3, 4, 5],
      from: { hour: 8, minute: 0 },
      to: { hour: 18, minute: 0 },
      timeZone: 'UTC',
      uploadBytesPerSecond: 400_000,
      downloadBytesPerSecond: 800_000,
    },
  ],
};
const rates = ({ upload, download }: Bandwidth) => [upload.bytesPerSecond, download.bytesPerSecond];

describe('the bandwidth of an agent', () => {
  it('is unlimited until the server says something, and follows the week then', async () => {
    const clock = new ManualClock(Date.parse('2026-11-24T07:59:00Z'));
    const bandwidth = new Bandwidth(clock);
    expect(rates(bandwidth)).toEqual([undefined, undefined]);
    bandwidth.apply(LIMITS);
    expect(rates(bandwidth)).toEqual([undefined, 4_000_000]);
    await clock.advance(60_000);
    expect(rates(bandwidth)).toEqual([400_000, 800_000]);
    await clock.advance(10 * HOUR_MS - 1);
    expect(rates(bandwidth)).toEqual([400_000, 800_000]);
    await clock.advance(1);
    expect(rates(bandwidth)).toEqual([undefined, 4_000_000]);
    bandwidth.apply({ windows: [] });
    expect(rates(bandwidth)).toEqual([undefined, undefined]);
    expect(clock.waiting).toBe(0);
  });

  it('follows a wall clock that is set, within a minute', async () => {
    const clock = new ManualClock(Date.parse('2026-11-24T06:00:00Z'));
    const bandwidth = new Bandwidth(clock);
    bandwidth.apply(LIMITS);
    clock.setWallClock(Date.parse('2026-11-24T12:00:00Z'));
    await clock.advance(60_000);
    expect(rates(bandwidth)).toEqual([400_000, 800_000]);
    bandwidth.stop();
    expect(clock.waiting).toBe(0);
  });
});
